import { Command, Option } from 'commander'
import { wholeBetween } from '../../src/cli/arguments.ts'

export const PARTS = ['bursts', 'coalescing', 'visibility'] as const
export type Part = (typeof PARTS)[number]
export type Options = {
  users: number
  rounds: number
  burstRounds: number
  writes: number
  only?: Part
  write?: true
}

/** With fewer, a burst is over before it can be seen to have begun. */
const LEAST_USERS = 5_000
const MOST_USERS = 1_000_000
const MAX_ROUNDS = 20
const MAX_WRITES = 5_000

/** Shows help, or what is wrong with the arguments, and then ends the process. */
export function readOptions(argv: string[]): Options {
  const number = (flags: string, what: string, env: string, [least, most]: [number, number], fallback: number) =>
    new Option(flags, what).env(env).argParser(wholeBetween(least, most)).default(fallback)
  return new Command('node bench/kafka.ts')
    .description('Measure changes over Kafka beside changes out of the database, and print a report')
    .addOption(
      number(
        '--users <number>',
        'people, and changes in a burst',
        'KAFKA_BENCH_USERS',
        [LEAST_USERS, MOST_USERS],
        100_000,
      ),
    )
    .addOption(
      number(
        '--rounds <number>',
        'rounds of single writes and of coalescing',
        'KAFKA_BENCH_ROUNDS',
        [1, MAX_ROUNDS],
        3,
      ),
    )
    .addOption(number('--burst-rounds <number>', 'rounds of bursts', 'KAFKA_BENCH_BURST_ROUNDS', [1, MAX_ROUNDS], 1))
    .addOption(number('--writes <number>', 'single writes in a round', 'KAFKA_BENCH_WRITES', [10, MAX_WRITES], 300))
    .addOption(new Option('--only <part>', 'only this part').choices([...PARTS]))
    .option('--write', 'write the report to docs/performance-kafka.md, too')
    .parse(argv)
    .opts<Options>()
}
