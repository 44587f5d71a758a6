import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Modules } from './modules.ts'
import type { Mutate } from './server.ts'
import type { Faults } from './simulate.ts'

/** A fault in a script or a module: this text, which must stand there once, is exchanged. */
export type Fault = { file: string; from: string; to: string }

const ROOT = join(import.meta.dirname, '..', '..')
/** Modules that are loaded anew with a fault, because they or what they import may hold it. */
const RELOADED = /\/(?:src\/(?:projections|jobs)\/|test\/simulation\/modules\.ts)/
const MARK = 'fault='
const planted = new Map<string, Fault>()

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const fault = context.parentURL?.split(MARK)[1]
    if (fault === undefined || found.url.includes('?') || !RELOADED.test(found.url)) return found
    return { ...found, url: `${found.url}?${MARK}${fault}` }
  },
  load(url, context, next) {
    const [address = '', number] = url.split(`?${MARK}`)
    const fault = number === undefined ? undefined : planted.get(number)
    if (!fault || address !== pathToFileURL(join(ROOT, fault.file)).href) return next(url, context)
    const source = exchange(fault, readFileSync(new URL(address), 'utf8'))
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})

/** The faults, for a simulation: production code but for them. */
export async function plant(fault: Fault): Promise<Faults> {
  if (fault.file.endsWith('.lua')) return { mutate: inScript(fault) }
  const number = String(planted.size + 1)
  planted.set(number, fault)
  const { PRODUCTION } = (await import(`./modules.ts?${MARK}${number}`)) as { PRODUCTION: Modules }
  return { modules: PRODUCTION }
}

function inScript(fault: Fault): Mutate {
  const text = exchange(fault, readFileSync(join(ROOT, fault.file), 'utf8'))
  const name = basename(fault.file, '.lua')
  return (script) => (script.name === name ? text : script.source)
}

function exchange({ file, from, to }: Fault, text: string): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${file} holds what is to be exchanged ${parts.length - 1} times: ${from}`)
  return parts.join(to)
}
