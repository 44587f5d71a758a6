import { Argument, Command, InvalidArgumentError } from 'commander'
import { type Outcome, runTier } from './tests/run.ts'
import { TIER, TIERS, type TierName } from './tests/tiers.ts'

const MAX_SEED = 0xff_ff_ff_ff
const MAX_REPEATS = 1_000

const wholeUpTo = (max: number) => (text: string) => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new InvalidArgumentError(`a whole number up to ${max}`)
}

type Options = { seed?: number; shuffle?: true; repeat: number; only?: string[] }

const program = new Command('node scripts/tests.ts')
  .description('Run tiers of the tests, in an order that a seed makes')
  .addArgument(new Argument('<tier...>', 'which').choices(TIERS))
  .option('--seed <number>', 'in the order of an earlier run', wholeUpTo(MAX_SEED))
  .option('--shuffle', 'in a new order, also where a tier has one of its own; --repeat does so')
  .option('--only <part...>', 'only files whose path holds this')
  .option(
    '--repeat <times>',
    'again and again, each time in another order; prints a line a run',
    wholeUpTo(MAX_REPEATS),
    1,
  )
  .parse()

const { repeat, seed, shuffle = false, only = [] } = program.opts<Options>()
const tiers = program.args as TierName[]
const failures: string[] = []
for (let time = 1; time <= repeat; time += 1) {
  for (const tier of tiers) {
    const order = { seed: seed ?? seedOf(tier), only, more: [] }
    const outcome = await runTier(TIER[tier], order, (text) => void (repeat === 1 && process.stdout.write(text)))
    const line = lineOf(tier, order.seed, outcome)
    process.stdout.write(repeat === 1 ? line : `${time}/${repeat} ${line}${outcome.isPassed ? '' : failedIn(outcome)}`)
    if (!outcome.isPassed) failures.push(line)
  }
}
if (repeat > 1) process.stdout.write(`${failures.length} of ${repeat * tiers.length} runs failed\n${failures.join('')}`)
process.exitCode = failures.length === 0 ? 0 : 1

function seedOf(tier: TierName): number {
  const known = shuffle || repeat > 1 ? null : TIER[tier].order
  return known ?? Math.floor(Math.random() * MAX_SEED)
}

function lineOf(tier: TierName, ofSeed: number, { files, isPassed, tookMs }: Outcome): string {
  const how = isPassed ? 'passed' : 'FAILED'
  return `${tier}: ${files} files ${how} in ${(tookMs / 1_000).toFixed(1)} s (--seed ${ofSeed})\n`
}

/** What Node's reporter says of the tests that failed. */
function failedIn({ output }: Outcome): string {
  return output
    .split('\n')
    .filter((text) => /^(test at |✖ )/.test(text))
    .map((text) => `    ${text}\n`)
    .join('')
}
