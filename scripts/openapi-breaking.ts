import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { goTool } from './setup-go-tools.mjs'

const ROOT = join(import.meta.dirname, '..')
const OASDIFF = goTool(ROOT, 'oasdiff')
const RELEASES = join(ROOT, 'contracts', 'releases')
export const DOCUMENT = join(ROOT, 'contracts', 'openapi.json')

/** Why documents cannot be compared here; undefined when they can. */
export const oasdiffMissing = (): string | undefined =>
  existsSync(OASDIFF) ? undefined : 'oasdiff is missing: node scripts/setup-oasdiff.mjs needed'

/** Of the newest release, by its number. */
export function lastRelease(): string {
  const versions = readdirSync(RELEASES).sort(new Intl.Collator('en', { numeric: true }).compare)
  return join(RELEASES, versions.at(-1) ?? '', 'openapi.json')
}

export type Comparison = { isBroken: boolean; said: string[] }

/**
 * What whoever was served by the first document would miss in the second, one line each: for callers (what they send is
 * refused) as for readers (what they rely on is gone). Warnings (a pattern that has changed, say) break nothing.
 */
export function compareOpenApi(before: string, after: string): Comparison {
  const args = ['breaking', '--fail-on', 'ERR', '--format', 'singleline', '--color', 'never', before, after]
  const { status, stdout, stderr } = spawnSync(OASDIFF, args, { encoding: 'utf8' })
  if (status !== 0 && status !== 1) throw new Error(`oasdiff ended with ${status}: ${stderr}`)
  const lines = stdout.split('\n').filter((line) => /^(?:error|warning)\b/.test(line))
  // Where in the file it stands is left out: the operation says it.
  return { isBroken: status === 1, said: lines.map((line) => line.replace(/^(\w+)\b.*?\bin API /, '$1: ').trim()) }
}

if (import.meta.main) {
  const missing = oasdiffMissing()
  const { isBroken, said } =
    missing === undefined ? compareOpenApi(lastRelease(), DOCUMENT) : { isBroken: true, said: [] }
  const about = `what has changed since ${relative(ROOT, lastRelease())}`
  process.stdout.write(
    `${missing ?? [`${isBroken ? 'Breaks clients' : 'Breaks nobody'}: ${about}`, ...said].join('\n')}\n`,
  )
  process.exitCode = isBroken ? 1 : 0
}
