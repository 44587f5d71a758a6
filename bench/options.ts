import { Command, InvalidArgumentError, Option } from 'commander'
import { wholeBetween } from '../src/cli/arguments.ts'
import { CASES, type CaseName } from './cases.ts'

export const PARTS = ['authentication', 'visibility', 'crowd', 'flush', 'rebuild'] as const
export type Part = (typeof PARTS)[number]
export type Options = {
  seconds: number
  rounds: number
  users: number
  /** Everything when absent. */
  only?: CaseName | Part
  million?: true
  write?: true
}

const MAX_SECONDS = 60
const MAX_ROUNDS = 50
const LEAST_USERS = 5_000
const MOST_USERS = 1_000_000

/** Shows help, or what is wrong with the arguments, and then ends the process. */
export function readOptions(argv: string[]): Options {
  const cases = Object.keys(CASES)
  return new Command('node bench/run.ts')
    .description('Measure the service on this machine, and print a report')
    .option('--seconds <number>', 'how long each case is measured in a round', between(0.2, MAX_SECONDS), 3)
    .option('--rounds <number>', 'how often each case is measured', wholeBetween(1, MAX_ROUNDS), 5)
    .option('--users <number>', 'how many made-up users', wholeBetween(LEAST_USERS, MOST_USERS), 100_000)
    .addOption(new Option('--only <case>', 'only this, and what it is compared with').choices([...cases, ...PARTS]))
    .option('--million', 'rebuild 1,000,000 users, too')
    .option('--write', 'write the report to docs/performance.md, too')
    .parse(argv)
    .opts<Options>()
}

export function between(least: number, most: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`It must be ${least} to ${most}.`)
    return value
  }
}
