/** Of some files, what Node's coverage has found of lines and branches, and how much of that was run. */
type Covered = { lines: Share; branches: Share }
type Share = { found: number; hit: number }
/** By folder. */
export type Folders = ReadonlyMap<string, Covered>
/** One way to measure: a tier, or several together. */
export type Measured = { name: string; folders: Folders }

/** Folders of src, as they are shown; what lies elsewhere is `rest`. */
const FOLDERS = [
  ...['domain', 'projections', 'strangler', 'commands', 'queries', 'plugins', 'adapters', 'wire', 'jobs', 'legacy'],
  ...['cli', 'ports', 'rest'],
] as const
/** Where a branch that no test takes is most likely a failure that nobody has thought through. */
const DEMANDING = ['domain', 'projections', 'strangler']
const LEAST_PERCENT = 95

/** Sums an lcov file by folder: http://ltp.sourceforge.net/coverage/lcov/geninfo.1.php names its lines. */
export function foldersIn(lcov: string): Folders {
  const folders = new Map<string, Covered>()
  let folder = nothing()
  for (const line of lcov.split('\n')) {
    const [what = '', value = ''] = line.split(/:(.*)/s)
    if (what === 'SF') {
      const name = folderOf(value)
      folder = folders.get(name) ?? nothing()
      folders.set(name, folder)
    } else if (what === 'LF') folder.lines.found += Number(value)
    else if (what === 'LH') folder.lines.hit += Number(value)
    else if (what === 'BRF') folder.branches.found += Number(value)
    else if (what === 'BRH') folder.branches.hit += Number(value)
  }
  return folders
}

/** What is to be mended, a sentence each. A folder of which nothing was measured is too low as well. */
export function tooLow(together: Folders): string[] {
  return DEMANDING.flatMap((name) => {
    const { hit, found } = together.get(name)?.branches ?? nothing().branches
    if (hit * 100 >= found * LEAST_PERCENT && found > 0) return []
    return [`Of src/${name} the tests take ${hit} of ${found} branches; at least ${LEAST_PERCENT} % are asked for.`]
  })
}

/** A row a folder; for each way to measure lines and branches in percent. */
export function tableOf(measured: Measured[]): string {
  const head = ['', ...measured.flatMap(({ name }) => [name, ''])]
  const units = ['', ...measured.flatMap(() => ['lines', 'branches'])]
  const rows = FOLDERS.map((folder) => {
    const of = measured.map(({ folders }) => folders.get(folder) ?? nothing())
    return [folder, ...of.flatMap(({ lines, branches }) => [percent(lines), percent(branches)])]
  })
  return [head, units, ...rows].map(rowOf).join('')
}

function folderOf(path: string): string {
  const [, name = ''] = /^src[/\\]([^/\\]+)[/\\]/.exec(path) ?? []
  return FOLDERS.find((folder) => folder === name) ?? 'rest'
}

function nothing(): Covered {
  return { lines: { found: 0, hit: 0 }, branches: { found: 0, hit: 0 } }
}

/** Cut off and not rounded: what is shown as 95 is no less. */
export function percent({ found, hit }: Share): string {
  return found === 0 ? '–' : (Math.floor((hit * 1_000) / found) / 10).toFixed(1)
}

const NAME_CHARS = 12
const COLUMN_CHARS = 10

function rowOf([name = '', ...columns]: string[]): string {
  return `${[name.padEnd(NAME_CHARS), ...columns.map((text) => text.padStart(COLUMN_CHARS))].join('').trimEnd()}\n`
}
