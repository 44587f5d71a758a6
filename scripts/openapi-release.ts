// Keeps the OpenAPI document of a release, for later ones to be compared with: `npm run openapi:release`, once a release. One
// that breaks clients of the last release is kept only when the version says so, or else breaking them would need no more than this.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Command } from 'commander'
import {
  compareOpenApi,
  documentIn,
  lastRelease,
  oasdiffMissing,
  ROOT,
  releasesIn,
  VERSION,
} from './openapi-breaking.ts'

type Version = [major: number, minor: number, patch: number]

export type Release = { isKept: boolean; said: string }

/**
 * Of the project in the folder `root`, under the version of its package.json. What breaks clients needs another major
 * version (https://semver.org), or, while that is 0, another minor one and `isBreakMeant`. What it breaks is said, kept or
 * not. Throws, in one sentence, where the last release is none, or the documents cannot be compared.
 */
export function keepRelease(root: string, { isBreakMeant }: { isBreakMeant: boolean }): Release {
  const { version: named }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const kept = join(releasesIn(root), named, 'openapi.json')
  const version = versionOf(named)
  if (version === undefined) return refused(`${named} in package.json is no version of three numbers.`)
  if (existsSync(kept)) return refused(`${named} has been released: raise the version in package.json first.`)
  if (!existsSync(releasesIn(root)) || readdirSync(releasesIn(root)).length === 0) return keep([])

  const before = lastRelease(root)
  const beforeName = basename(dirname(before))
  const last = versionOf(beforeName) as Version
  if (!isAbove(version, last)) {
    return refused(`${named} is not above ${beforeName}, the last release: raise the version in package.json first.`)
  }
  const missing = oasdiffMissing()
  if (missing !== undefined) return refused(missing)
  const { isBroken, said } = compareOpenApi(before, documentIn(root))
  if (!isBroken) return keep([])
  const list = [`${named} breaks clients of ${beforeName}:`, ...said]
  return mayBreak(version, last, isBreakMeant) ? keep(list) : refused([...list, whatBreaksNeeds(last)].join('\n'))

  function keep(breaks: string[]): Release {
    mkdirSync(dirname(kept), { recursive: true })
    copyFileSync(documentIn(root), kept)
    return { isKept: true, said: [...breaks, kept].join('\n') }
  }
}

const refused = (said: string): Release => ({ isKept: false, said })

function versionOf(name: string): Version | undefined {
  const [, ...numbers] = VERSION.exec(name) ?? []
  return numbers.length === 3 ? (numbers.map(Number) as Version) : undefined
}

function isAbove(version: Version, last: Version): boolean {
  const place = version.findIndex((number, index) => number !== last[index])
  return (version[place] ?? 0) > (last[place] ?? 0)
}

function mayBreak([major, minor]: Version, [lastMajor, lastMinor]: Version, isBreakMeant: boolean): boolean {
  return major > lastMajor || (lastMajor === 0 && minor > lastMinor && isBreakMeant)
}

function whatBreaksNeeds([lastMajor, lastMinor]: Version): string {
  const next = `Not kept: what breaks clients is released as ${lastMajor + 1}.0.0`
  return lastMajor > 0
    ? `${next}.`
    : `${next}, or as 0.${lastMinor + 1}.0 by \`npm run openapi:release -- --breaking\`.`
}

/** What is to be said, also where it throws. */
function outcome(how: { isBreakMeant: boolean }): Release {
  try {
    return keepRelease(ROOT, how)
  } catch (error) {
    return refused((error as Error).message)
  }
}

if (import.meta.main) {
  const { breaking = false } = new Command('npm run openapi:release --')
    .description('Keep the OpenAPI document of this version, for later ones to be compared with')
    .option('--breaking', 'also though it breaks clients, in a minor version of 0: it is meant')
    .parse()
    .opts<{ breaking?: true }>()
  const { isKept, said } = outcome({ isBreakMeant: breaking })
  const stream = isKept ? process.stdout : process.stderr
  stream.write(`${said}\n`)
  process.exitCode = isKept ? 0 : 1
}
