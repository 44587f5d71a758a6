import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export type TreeOptions = {
  /** Where the files are that the image has beside those of its base: `app` is in it. */
  root: string
  /** Whom the service runs as: nothing may be theirs. */
  user: number
  /** Of the service, by their paths from `app`: what must be there. */
  wanted: string[]
  packageLock: { packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }> }
  withInformix: boolean
}
type Entry = { path: string; stats: Stats }

/** What may stand in /app; the packages have a check of their own. */
const TOP = [
  '.compiled',
  'bin',
  'db',
  'node_modules',
  'package-lock.json',
  'package.json',
  'sbom.cdx.json',
  'scripts',
  'src',
  'workers',
]
const TOP_WITH_INFORMIX = [...TOP, '.tools']
const WRITABLE_BY_OTHERS = 0o022
const READABLE_BY_ALL = 0o444
const GAINS_RIGHTS = 0o6000

/** What is wrong with an image's files. Answers sentences; none when all is well. */
export function treeFaults(options: TreeOptions): string[] {
  const entries = [...walk(options.root, '')]
  const checks = [rightsFaults, linkFaults, fileFaults, packageFaults, materialFaults]
  return checks.flatMap((check) => check(options, entries))
}

function* walk(root: string, folder: string): Generator<Entry> {
  for (const name of readdirSync(join(root, folder))) {
    const path = join(folder, name)
    const stats = lstatSync(join(root, path))
    yield { path, stats }
    if (stats.isDirectory()) yield* walk(root, path)
  }
}

function rightsFaults({ user }: TreeOptions, entries: Entry[]): string[] {
  const faults = entries.flatMap(({ path, stats }) => {
    // A device 0/0 is how a layer says that something under it is gone.
    if (stats.isSymbolicLink() || stats.isCharacterDevice()) return []
    const found: string[] = []
    if (path.startsWith('app/') ? stats.uid !== 0 : stats.uid === user)
      found.push(`${path} belongs to user ${stats.uid}`)
    if (stats.mode & WRITABLE_BY_OTHERS && !(stats.mode & 0o1000))
      found.push(`${path} may be written by others than root`)
    if (path.startsWith('app/') && (stats.mode & READABLE_BY_ALL) !== READABLE_BY_ALL)
      found.push(`${path} can't be read by everybody`)
    if (stats.isFile() && stats.mode & GAINS_RIGHTS) found.push(`${path} gains rights`)
    return found
  })
  return firstOf(faults)
}

function linkFaults({ root }: TreeOptions, entries: Entry[]): string[] {
  return entries.flatMap(({ path, stats }) => {
    if (!stats.isSymbolicLink() || !path.startsWith('app/')) return []
    const target = resolve('/', dirname(path), readlinkSync(join(root, path)))
    return existsSync(join(root, target)) ? [] : [`${path} leads to ${target}, which is not there`]
  })
}

function fileFaults({ root, wanted, withInformix }: TreeOptions, entries: Entry[]): string[] {
  const top = withInformix ? TOP_WITH_INFORMIX : TOP
  const ours = entries.filter(({ path }) => path.startsWith('app/') && !/^app\/(node_modules|\.tools)\//.test(path))
  const strange = ours.filter(({ path }) => !top.includes(path.split('/')[1] ?? '') || /\.(test\.ts|md)$/.test(path))
  const missing = [...wanted, 'sbom.cdx.json', 'package.json'].filter((path) => !existsSync(join(root, 'app', path)))
  return firstOf([
    ...strange.map(({ path }) => `${path} has no place in the image`),
    ...missing.map((path) => `app/${path} is missing`),
  ])
}

/** Exactly those that the lock file has for production: the optional ones with the driver alone, and Node never. */
function packageFaults({ root, packageLock, withInformix }: TreeOptions): string[] {
  const there = packagesIn(join(root, 'app'), 'node_modules')
  const all = Object.entries(packageLock.packages).filter(([path]) => path !== '')
  const needed = all.filter(([path, { dev, optional, devOptional }]) => {
    if (dev) return false
    return !(optional || devOptional) || (withInformix && !NEVER.test(path))
  })
  const expected = new Set(needed.map(([path]) => path))
  const extra = there.filter((path) => !expected.has(path))
  // An optional one may be for another kind of machine.
  const missing = needed.filter(
    ([path, { optional, devOptional }]) => !optional && !devOptional && !there.includes(path),
  )
  return firstOf([
    ...extra.map((path) => `app/${path} is not for production`),
    ...missing.map(([path]) => `app/${path} is missing`),
  ])
}
/** A second Node, and what msgpackr is faster with. */
const NEVER = /^node_modules\/(node-linux-|@?msgpackr-extract)/

/** `node_modules/a`, `node_modules/@b/c`, `node_modules/a/node_modules/d`. */
export function packagesIn(app: string, folder: string): string[] {
  if (!existsSync(join(app, folder))) return []
  return readdirSync(join(app, folder)).flatMap((name) => {
    if (name.startsWith('.')) return []
    const paths = name.startsWith('@') ? readdirSync(join(app, folder, name)).map((part) => `${name}/${part}`) : [name]
    return paths.flatMap((path) => [`${folder}/${path}`, ...packagesIn(app, `${folder}/${path}/node_modules`)])
  })
}

/** The bill of materials names what is there, and nothing else. */
function materialFaults({ root }: TreeOptions): string[] {
  const app = join(root, 'app')
  if (!existsSync(join(app, 'sbom.cdx.json'))) return []
  const { bomFormat, components } = JSON.parse(readFileSync(join(app, 'sbom.cdx.json'), 'utf8'))
  if (bomFormat !== 'CycloneDX') return ['app/sbom.cdx.json is not CycloneDX']
  const named = new Set(
    (components as { name: string; version: string }[]).map(({ name, version }) => `${name}@${version}`),
  )
  const there = new Set(
    packagesIn(app, 'node_modules').map((path) => {
      const { name, version } = JSON.parse(readFileSync(join(app, path, 'package.json'), 'utf8'))
      return `${name}@${version}`
    }),
  )
  return firstOf([
    ...[...there].filter((what) => !named.has(what)).map((what) => `${what} is not in sbom.cdx.json`),
    ...[...named].filter((what) => !there.has(what)).map((what) => `${what} is in sbom.cdx.json, and not in the image`),
  ])
}

/** One cause may have a thousand effects. */
const MOST_TOLD = 10
function firstOf(faults: string[]): string[] {
  const more = faults.length - MOST_TOLD
  return more > 0 ? [...faults.slice(0, MOST_TOLD), `and ${more} more of the kind`] : faults
}
