import { Argument, Command, Option } from 'commander'
import { wholeBetween } from '../src/cli/arguments.ts'
import { filesOf, MAX_SEED, newSeed, type Outcome, runTests } from './tests/run.ts'
import { SELECTION, SELECTIONS, type SelectionName } from './tests/tiers.ts'

const MAX_REPEATS = 1_000

type Options = { seed?: number; repeat: number; only?: string[] }

const program = new Command('node scripts/tests.ts')
  .description('Run tiers of the tests, in an order that a seed makes')
  .addArgument(new Argument('<tier...>', 'which').choices(SELECTIONS))
  .option('--seed <number>', 'in the order of an earlier run', wholeBetween(0, MAX_SEED))
  .option('--only <part...>', 'only files whose path holds this')
  .addOption(
    new Option('--repeat <times>', 'again and again, each time in another order; prints a line a run')
      .argParser(wholeBetween(1, MAX_REPEATS))
      .default(1)
      .conflicts('seed'),
  )
  .parse()

const { repeat, seed, only = [] } = program.opts<Options>()
const asked = program.args as SelectionName[]
const missing = asked.flatMap((name) => {
  const why = SELECTION[name].missing?.() ?? null
  return why === null ? [] : [{ name, why }]
})
const names = asked.filter((name) => !missing.some((one) => one.name === name))
const unknown = only.filter((part) => names.every((name) => filesOf(SELECTION[name], [part]).length === 0))
const failures: string[] = []
/** A line a run. */
const lines: string[] = []
let files = 0
const runs = Array.from({ length: repeat }, (_, times) => names.map((name) => ({ name, time: times + 1 }))).flat()
for (const { name, time } of runs) {
  const order = { seed: seed ?? newSeed(), only }
  const outcome = await runTests(SELECTION[name], order, (text) => void (repeat === 1 && process.stdout.write(text)))
  const line = lineOf(name, order.seed, outcome)
  const text = `${line}${faultsOf(outcome)}`
  process.stdout.write(repeat === 1 ? line : `${time}/${repeat} ${text}`)
  lines.push(text)
  if (!outcome.isPassed) failures.push(line)
  files += outcome.files
  if (outcome.isCutShort) break
}
// Last of all, for who sees only the end of a long output.
if (repeat === 1 && names.length > 1) process.stdout.write(`\n${lines.join('')}`)
for (const { name, why } of missing) process.stdout.write(`${name}: left out: ${why}\n`)
if (repeat > 1) process.stdout.write(`${failures.length} of ${lines.length} runs failed\n${failures.join('')}`)
// Nothing that was run is nothing that has passed.
for (const part of unknown) process.stdout.write(`No file of ${names.join(', ')} has ${part} in its path.\n`)
process.exitCode = failures.length === 0 && files > 0 && unknown.length === 0 ? 0 : 1

function lineOf(name: SelectionName, ofSeed: number, { files, tests, isPassed, tookMs }: Outcome): string {
  const counts = `${tests.pass} passed, ${tests.fail} failed, ${tests.skipped} left out`
  const how = isPassed ? 'passed' : 'FAILED'
  return `${name}: ${files} files ${how} in ${(tookMs / 1_000).toFixed(1)} s: ${counts} (--seed ${ofSeed})\n`
}

/** What went wrong. */
function faultsOf({ faults }: Outcome): string {
  return faults.map((fault) => fault.replaceAll(/^(?=.)/gm, '    ').concat('\n')).join('')
}
