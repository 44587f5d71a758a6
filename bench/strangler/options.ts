import { Command, Option } from 'commander'
import { wholeBetween } from '../../src/cli/arguments.ts'
import { between } from '../options.ts'

export const PARTS = ['cost', 'shadow', 'faults', 'memory'] as const
export type Part = (typeof PARTS)[number]
export type Options = { seconds: number; rounds: number; mib: number; only?: Part; write?: true }

const MAX_SECONDS = 30
const MAX_ROUNDS = 20
const MAX_MIB = 16_384

/** Shows help, or what is wrong with the arguments, and then ends the process. */
export function readOptions(argv: string[]): Options {
  const option = (flags: string, what: string, env: string) => new Option(flags, what).env(env)
  return new Command('node bench/strangler.ts')
    .description('Measure what it costs to stand before a legacy application, and print a report')
    .addOption(
      option('--seconds <number>', 'how long each case is measured in a round', 'STRANGLER_BENCH_SECONDS')
        .argParser(between(0.2, MAX_SECONDS))
        .default(1.5),
    )
    .addOption(
      option('--rounds <number>', 'how often each case is measured', 'STRANGLER_BENCH_ROUNDS')
        .argParser(wholeBetween(1, MAX_ROUNDS))
        .default(5),
    )
    .addOption(
      option('--mib <number>', 'how large the large upload and download are', 'STRANGLER_BENCH_MIB')
        .argParser(wholeBetween(16, MAX_MIB))
        .default(2_048),
    )
    .addOption(new Option('--only <part>', 'only this part').choices([...PARTS]))
    .option('--write', 'write the report to docs/performance-strangler.md, too')
    .parse(argv)
    .opts<Options>()
}
