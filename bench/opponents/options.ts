import { Command, InvalidArgumentError, Option } from 'commander'
import { wholeBetween } from '../../src/cli/arguments.ts'
import { between } from '../options.ts'
import { CONTESTANTS, type ContestantName } from './contestants.ts'

export type Options = {
  seconds: number
  rounds: number
  users: number
  /** Everybody when absent. */
  only?: ContestantName[]
  /** Ascending. */
  sizes?: number[]
  write?: true
}

const MAX_SECONDS = 60
const MAX_ROUNDS = 50
const LEAST_USERS = 1_000
const MOST_USERS = 1_000_000
const SIZES = '1000,100000,1000000'
const NAMES = Object.keys(CONTESTANTS) as ContestantName[]

/** Shows help, or what is wrong with the arguments, and then ends the process. */
export function readOptions(argv: string[]): Options {
  return command().parse(argv).opts<Options>()
}

export function command(): Command {
  const users = wholeBetween(LEAST_USERS, MOST_USERS)
  return new Command('node bench/opponents/run.ts')
    .description('Measure the hot read of this service and of others on this machine, and print a report')
    .option('--seconds <number>', 'how long each contestant is measured in a round', between(0.2, MAX_SECONDS), 5)
    .option('--rounds <number>', 'how often each contestant is measured', wholeBetween(1, MAX_ROUNDS), 7)
    .option('--users <number>', 'how many made-up users', users, 100_000)
    .option('--only <names>', `only these, and the bare server: ${NAMES.join(',')}`, listOf(nameIn))
    .addOption(
      new Option('--sizes [numbers]', `also measure ours with so many users each (when not said: ${SIZES})`)
        .preset(SIZES)
        .argParser((text: string) => listOf(users)(text).sort((a, b) => a - b)),
    )
    .option('--write', 'write the report to docs/performance-opponents.md, too')
}

/** Who takes part, in their order; the bare server always, because the others are compared with it. */
export function chosen({ only }: Pick<Options, 'only'>): ContestantName[] {
  return NAMES.filter((name) => only === undefined || name === 'bare' || only.includes(name))
}

function listOf<Value>(read: (text: string) => Value) {
  return (text: string): Value[] => text.split(',').map((part) => read(part.trim()))
}

function nameIn(text: string): ContestantName {
  const found = NAMES.find((name) => name === text)
  if (found === undefined) throw new InvalidArgumentError(`There is nobody called ${text}.`)
  return found
}
