import { setTimeout as delay } from 'node:timers/promises'
import type { Dice } from '../../src/jobs/seed/random.ts'
import type { RedisHost } from './redis-host.ts'
import type { Supervised } from './supervisor.ts'

export type Victims = { apis: Supervised[]; workers: Supervised[]; redis: RedisHost; roll: Dice }

const SHORT_STOP_MS = 2_000
/** Longer than a worker's claims last: another has taken over by the time it goes on. */
const WORKER_STOP_MS = 3_500

/** By what it is called in the report. Each resolves when nothing more is being done; then the service has to recover. */
export const FAULTS: Record<string, (victims: Victims) => Promise<unknown>> = {
  'kill -9 a worker': async ({ workers, roll }) => roll.pick(workers).kill(),
  'kill -9 an API process': async ({ apis, roll }) => roll.pick(apis).kill(),
  'kill -9 Redis, back with its last snapshot': ({ redis, roll }) =>
    redis.killFor(100 + roll.below(2_000), { empty: false }),
  'kill -9 Redis, back empty': ({ redis, roll }) => redis.killFor(100 + roll.below(1_000), { empty: true }),
  'SIGSTOP Redis': ({ redis }) => redis.freeze(SHORT_STOP_MS),
  FLUSHALL: ({ redis }) => redis.order('FLUSHALL'),
  'pub/sub and tracking connections closed': ({ redis }) => redis.closeConnections(),
  'failover to a replica that missed writes': ({ redis, roll }) => redis.failOver(100 + roll.below(900)),
  'SIGSTOP an API process': ({ apis, roll }) => roll.pick(apis).freeze(SHORT_STOP_MS),
  'SIGSTOP a worker, longer than its claims last': ({ workers, roll }) => roll.pick(workers).freeze(WORKER_STOP_MS),
  'FLUSHALL while an API process is stopped': async ({ apis, redis, roll }) => {
    await Promise.all([roll.pick(apis).freeze(SHORT_STOP_MS), soon(roll, () => redis.order('FLUSHALL'))])
  },
  'Redis back with its last snapshot while a worker is stopped': async ({ workers, redis, roll }) => {
    const restarted = soon(roll, () => redis.killFor(100 + roll.below(500), { empty: false }))
    await Promise.all([roll.pick(workers).freeze(SHORT_STOP_MS), restarted])
  },
}

async function soon(roll: Dice, act: () => Promise<unknown>): Promise<void> {
  await delay(roll.below(SHORT_STOP_MS / 2))
  await act()
}

/** These kinds in a disorder that the dice choose, then all again in another, and so on. */
export function* faultsInTurn(roll: Dice, kinds: string[], rounds: number): Generator<string> {
  for (let round = 1; round <= rounds; round += 1) {
    const left = [...kinds]
    while (left.length > 0) yield left.splice(roll.below(left.length), 1)[0] ?? ''
  }
}
