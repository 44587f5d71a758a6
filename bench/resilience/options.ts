import { Command, Option } from 'commander'
import { wholeBetween } from '../../src/cli/arguments.ts'
import { between } from '../options.ts'
import { CASES, type Case } from './cases.ts'

export type Options = { seconds: number; rate: number; only: string; write?: true }

/** With fewer calls the further attempts that had been saved before the fault are more than a tenth of them. */
const LEAST_SECONDS = 5
const LEAST_RATE = 200
const MAX_SECONDS = 600
/** At more there are too few users who have not been asked for lately. */
const MAX_RATE = 500

/** Shows help, or what is wrong with the arguments, and then ends the process. */
export function readOptions(argv: string[]): Options {
  const option = (flags: string, what: string, env: string) => new Option(flags, what).env(env)
  return new Command('node bench/resilience.ts')
    .description('Measure what clients see while the other services are ill, and print a table')
    .addOption(
      option('--seconds <number>', 'how long each fault lasts', 'RESILIENCE_SECONDS')
        .argParser(between(LEAST_SECONDS, MAX_SECONDS))
        .default(30),
    )
    .addOption(
      option('--rate <number>', 'profiles a second', 'RESILIENCE_RATE')
        .argParser(wholeBetween(LEAST_RATE, MAX_RATE))
        .default(200),
    )
    .addOption(option('--only <text>', 'only faults with this in their name', 'RESILIENCE_ONLY').default(''))
    .option('--write', 'put the table into docs/resilience.md, too')
    .parse(argv)
    .opts<Options>()
}

export function casesWith(text: string): Case[] {
  const found = CASES.filter(({ name }) => name.includes(text))
  if (found.length === 0) throw new Error(`no fault’s name has "${text}" in it`)
  return found
}
