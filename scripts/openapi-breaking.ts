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

/** Three numbers, since what an `-rc.1` promises nobody can tell. */
export const VERSION = /^(\d+)\.(\d+)\.(\d+)$/

/** Of the newest release, by its number. Throws, in one sentence, where there is none, or what stands there is none. */
export function lastRelease(root = ROOT): string {
  const releases = releasesIn(root)
  const versions = readdirSync(releases).sort(new Intl.Collator('en', { numeric: true }).compare)
  const odd = versions.find((name) => !VERSION.test(name) || !existsSync(join(releases, name, 'openapi.json')))
  if (odd !== undefined)
    throw new Error(`contracts/releases/${odd} is no release: it needs three numbers, and a document.`)
  const last = versions.at(-1)
  if (last === undefined) throw new Error('contracts/releases holds no release.')
  return join(releases, last, 'openapi.json')
}

/** `stale`: lines that are accepted, and are said no more. */
export type Comparison = { isBroken: boolean; said: string[]; stale: string[] }
/** As oasdiff prints it: https://github.com/oasdiff/oasdiff/blob/main/docs/BREAKING-CHANGES.md#json-schema */
type Change = { id: string; text: string; level: number; section?: string; operation?: string; path?: string }
/** oasdiff's numbers. */
const WARNING = 2
const ERROR = 3

/**
 * What whoever was served by the first document would miss in the second, one line each: for callers (what they send is
 * refused) as for readers (what they rely on is gone). Which changes break is oasdiff's say, and that of `RAISED`. Lines that
 * stand in `accepted.txt` beside the first document were looked at, and are left out; one that is not said any more would
 * accept the same later, unseen. Throws where oasdiff is missing, or cannot read one of them.
 */
export function compareOpenApi(before: string, after: string): Comparison {
  const errors = new Set(RAISED.flatMap(({ checks }) => checks))
  const accepted = acceptedBeside(before)
  // Not by oasdiff's own file of levels: some of its checks take no notice of that.
  const found = changesBetween(before, after)
    .map((change) => (errors.has(change.id) ? { ...change, level: ERROR } : change))
    .filter(({ level }) => level >= WARNING)
  const lines = new Set(found.map(lineOf))
  const left = found.filter((change) => !accepted.has(lineOf(change)))
  return {
    isBroken: left.some(({ level }) => level === ERROR),
    said: left.map(lineOf),
    stale: [...accepted].filter((line) => !lines.has(line)),
  }
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

/** What is printed, and whether there is something to be done. */
function outcome(): { isFault: boolean; lines: string[] } {
  const missing = oasdiffMissing()
  if (missing !== undefined) return { isFault: true, lines: [missing] }
  try {
    const release = lastRelease()
    const { isBroken, said, stale } = compareOpenApi(release, DOCUMENT)
    const headline = `${isBroken ? 'Breaks clients' : 'Breaks nobody'}: what has changed since ${relative(ROOT, release)}`
    const unused = stale.map((line) => `accepted.txt: there is no such change (any more): ${line}`)
    return { isFault: isBroken || stale.length > 0, lines: [headline, ...said, ...unused] }
  } catch (error) {
    return { isFault: true, lines: [(error as Error).message] }
  }
}

if (import.meta.main) {
  const { isFault, lines } = outcome()
  process.stdout.write(`${lines.join('\n')}\n`)
  process.exitCode = isFault ? 1 : 0
}
