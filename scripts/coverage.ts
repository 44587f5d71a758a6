import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Command, Option } from 'commander'
import { foldersIn, type Measured, tableOf, tooLow } from './tests/coverage.ts'
import { newSeed, ROOT, runTests } from './tests/run.ts'
import { SELECTION, type Selection, type TierName } from './tests/tiers.ts'

const MEASURED: TierName[] = ['unit', 'component', 'contract', 'long']
const REPORTS = join(ROOT, 'var', 'coverage')
const AT_A_TIME = 2
/** A file of no tests, which Node takes for one, and whose coverage is that of the others. */
const MERGING = join(ROOT, 'scripts', 'tests', 'merge-coverage.ts')

const program = new Command('node scripts/coverage.ts')
  .description('Measure how much of the code the tests run, a tier at a time and together')
  .addOption(new Option('--tiers <tier...>', 'only these').choices(MEASURED).default(MEASURED))
  .parse()
const { tiers } = program.opts<{ tiers: TierName[] }>()

// Of what comes compiled out of a cache V8 knows less.
process.env.NODE_DISABLE_COMPILE_CACHE = '1'
rmSync(REPORTS, { recursive: true, force: true })
mkdirSync(REPORTS, { recursive: true })

const measured: Measured[] = []
const failed: string[] = []
for (const tier of tiers) await run(tier)
for (const tier of tiers) report(tier, [tier])
// What is taken together must be merged before it is counted: V8 tells other branches each time.
if (tiers.length > 1) report('together', tiers)
for (const tier of tiers) rmSync(folderOf(tier), { recursive: true, force: true })

process.stdout.write(`\n${tableOf(measured)}\n`)
const isWhole = MEASURED.every((tier) => tiers.includes(tier))
const low = isWhole ? tooLow(measured.at(-1)?.folders ?? new Map()) : []
for (const sentence of [...failed, ...low]) process.stdout.write(`${sentence}\n`)
process.exitCode = failed.length + low.length > 0 ? 1 : 0

/** Each process of it leaves what it has covered in the tier's folder. */
async function run(name: TierName): Promise<void> {
  const seed = newSeed()
  process.env.NODE_V8_COVERAGE = folderOf(name)
  const outcome = await runTests(measurable(name), { seed, only: [] }, () => undefined)
  delete process.env.NODE_V8_COVERAGE
  const seconds = (outcome.tookMs / 1_000).toFixed(1)
  process.stdout.write(
    `${[`${name}: ${outcome.files} files in ${seconds} s (--seed ${seed})`, ...outcome.faults].join('\n')}\n`,
  )
  if (!outcome.isPassed) failed.push(`Tests of ${name} have failed (--seed ${seed}): what they cover is not known.`)
}

function measurable(name: TierName): Selection {
  const tier = SELECTION[name]
  // Node's permissions forbid to write what was covered.
  if (name === 'unit') return { ...tier, options: [] }
  // Code that is counted is slower, and some tests look at the clock.
  return { ...tier, atATime: Math.min(tier.atATime, AT_A_TIME) }
}

function report(name: string, of: TierName[]): void {
  const lcov = join(REPORTS, `${name}.lcov`)
  const args = [
    ...['--test', '--test-isolation=none', '--experimental-test-coverage', '--test-coverage-include-all'],
    ...['--test-coverage-include=src/**/*.ts', '--test-coverage-include=workers/**/*.ts'],
    ...['--test-coverage-exclude=**/*.test.ts', '--test-reporter=lcov', `--test-reporter-destination=${lcov}`],
  ]
  const env = { ...process.env, MERGED: of.map(folderOf).join(delimiter) }
  const { status } = spawnSync(process.execPath, [...args, MERGING], { cwd: ROOT, env, stdio: 'inherit' })
  if (status !== 0) throw new Error(`What ${name} covers could not be put together: Node ended with ${status}.`)
  measured.push({ name, folders: foldersIn(readFileSync(lcov, 'utf8')) })
}

function folderOf(tier: TierName): string {
  return join(REPORTS, tier)
}
