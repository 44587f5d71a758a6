import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A fault in a file, from the project's folder: this text, which must stand there once, is exchanged. */
export type Fault = { file: string; from: string; to: string }

const ROOT = join(import.meta.dirname, '..', '..')
const MARK = 'fault='
const planted = new Map<string, { fault: Fault; reloaded: RegExp }>()

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const number = context.parentURL?.split(MARK)[1]
    const reloaded = number === undefined ? undefined : planted.get(number)?.reloaded
    if (!reloaded || found.url.includes('?') || !reloaded.test(found.url)) return found
    return { ...found, url: `${found.url}?${MARK}${number}` }
  },
  load(url, context, next) {
    const [address = '', number] = url.split(`?${MARK}`)
    const fault = number === undefined ? undefined : planted.get(number)?.fault
    if (!fault || address !== pathToFileURL(join(ROOT, fault.file)).href) return next(url, context)
    return { format: 'module-typescript', source: faultyText(fault), shortCircuit: true }
  },
})

/**
 * Loads a module, from the project's folder, with a fault in it or in what it imports: production code but for that.
 * `reloaded`: addresses of the modules that are loaded anew, because they or what they import may hold it.
 */
export async function importWith<Module>(fault: Fault, module: string, reloaded: RegExp): Promise<Module> {
  const number = String(planted.size + 1)
  planted.set(number, { fault, reloaded })
  return (await import(`${pathToFileURL(join(ROOT, module))}?${MARK}${number}`)) as Module
}

export function faultyText({ file, from, to }: Fault): string {
  const parts = readFileSync(join(ROOT, file), 'utf8').split(from)
  if (parts.length !== 2) throw new Error(`${file} holds what is to be exchanged ${parts.length - 1} times: ${from}`)
  return parts.join(to)
}
