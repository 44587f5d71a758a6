import { readFileSync } from 'node:fs'
import type { MicroserviceName } from '../../src/domain/neighbours.ts'
import { busyShare, type MachineTicks, readMachine } from '../kafka/usage.ts'
import { between, type Counted, scrape } from './counted.ts'
import type { Counts, Seen } from './neighbour-process.ts'
import type { OpenResult, Sample } from './open-load.ts'

/** Of one phase: what came in, what arrived at the neighbours, what the service has counted. */
export type Phase = {
  seconds: number
  profiles: Sample[]
  hot: Sample[]
  arrived: Record<MicroserviceName, Counts>
  counted: Counted
  /** What share of all cores' time was used, by whomever. */
  machineBusy: number
}
export type Mark = { seen: Seen; counted: Counted; machine: MachineTicks }
export type Results = { profiles: OpenResult; hot: OpenResult }

/** The end of one phase, and the beginning of the next: when `change` has been made. */
export async function mark(metricsPort: number, change: () => Promise<Seen>): Promise<Mark> {
  const counted = await scrape(metricsPort)
  return { counted, seen: await change(), machine: readMachine(readFileSync('/proc/stat', 'utf8')) }
}

export function phase(from: Mark, until: Mark, { profiles, hot }: Results): Phase {
  const due = ({ samples }: OpenResult) =>
    samples.filter(({ dueAtMs }) => dueAtMs >= from.seen.atMs && dueAtMs < until.seen.atMs)
  const arrived = (neighbour: MicroserviceName): Counts => ({
    calls: until.seen.counts[neighbour].calls - from.seen.counts[neighbour].calls,
    requests: until.seen.counts[neighbour].requests - from.seen.counts[neighbour].requests,
  })
  return {
    seconds: (until.seen.atMs - from.seen.atMs) / 1_000,
    profiles: due(profiles),
    hot: due(hot),
    arrived: {
      'branches-service': arrived('branches-service'),
      'people-service': arrived('people-service'),
    },
    counted: between(from.counted, until.counted),
    machineBusy: busyShare(from.machine, until.machine),
  }
}
