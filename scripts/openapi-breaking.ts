import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { RAISED } from './openapi-levels.ts'
import { withoutWhatMayGo } from './openapi-sunset.ts'
import { goTool } from './setup-go-tools.mjs'

export const ROOT = join(import.meta.dirname, '..')
export const OASDIFF = goTool(ROOT, 'oasdiff')
/** Of what oasdiff prints. Each header of each answer gone is 1.5 MB; Node's own bound, 1 MiB, ends oasdiff before that. */
const MAX_OUTPUT_BYTES = 64 * 1_048_576
export const documentIn = (root: string): string => join(root, 'contracts', 'openapi.json')
export const releasesIn = (root: string): string => join(root, 'contracts', 'releases')
export const DOCUMENT = documentIn(ROOT)

/** Why documents cannot be compared here; undefined when they can. */
export const oasdiffMissing = (): string | undefined =>
  existsSync(OASDIFF) ? undefined : 'oasdiff is missing: node scripts/setup-oasdiff.mjs needed'

/** Of the newest release, by its number. */
export function lastRelease(root = ROOT): string {
  const releases = releasesIn(root)
  const versions = readdirSync(releases).sort(new Intl.Collator('en', { numeric: true }).compare)
  return join(releases, versions.at(-1) ?? '', 'openapi.json')
}

export type Comparison = { isBroken: boolean; said: string[] }
/** As oasdiff prints it: https://github.com/oasdiff/oasdiff/blob/main/docs/BREAKING-CHANGES.md#json-schema */
type Change = { id: string; text: string; level: number; section?: string; operation?: string; path?: string }
/** oasdiff's numbers. */
const WARNING = 2
const ERROR = 3

/**
 * What whoever was served by the first document would miss in the second, one line each: for callers (what they send is
 * refused) as for readers (what they rely on is gone). Which changes break is oasdiff's say, and that of `raised`. Lines that
 * stand in `accepted.txt` beside the first document were looked at, and are left out. Throws where oasdiff is missing, or
 * cannot read one of them.
 */
export function compareOpenApi(before: string, after: string, raised = RAISED): Comparison {
  const errors = new Set(raised.flatMap(({ checks }) => checks))
  const accepted = acceptedBeside(before)
  // Not by oasdiff's own file of levels: some of its checks take no notice of that.
  const found = changesBetween(before, after)
    .map((change) => (errors.has(change.id) ? { ...change, level: ERROR } : change))
    .filter((change) => change.level >= WARNING && !accepted.has(lineOf(change)))
  return { isBroken: found.some(({ level }) => level === ERROR), said: found.map(lineOf) }
}

function changesBetween(before: string, after: string): Change[] {
  const missing = oasdiffMissing()
  if (missing !== undefined) throw new Error(missing)
  const { status, stdout, stderr, error } = spawnSync(OASDIFF, ['changelog', '--format', 'json', '-', after], {
    input: JSON.stringify(withoutWhatMayGo(jsonOf(before), jsonOf(after), new Date())),
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  if (status !== 0) throw new Error(`oasdiff ended with ${status}: ${stderr || error}`)
  return JSON.parse(stdout)
}

const jsonOf = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

function lineOf({ id, text, level, section, operation, path }: Change): string {
  const where = operation === undefined ? section : `${operation} ${path}`
  return `${level === ERROR ? 'error' : 'warning'}: ${where} ${text} [${id}]`
}

/** Lines as they are said; those that begin with # say why. */
function acceptedBeside(before: string): Set<string> {
  const path = join(dirname(before), 'accepted.txt')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  return new Set(lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')))
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
