import { createHash } from 'node:crypto'
import { branchesService, branchFrom, describeBranches } from './adapters/http/branches-service.ts'
import { type GuardedClient, guardedClient, type ServiceLimits } from './adapters/http/guarded-client.ts'
import { startMadeUpNeighbours } from './adapters/http/made-up-neighbours.ts'
import { describePeople, employmentFrom, peopleService } from './adapters/http/people-service.ts'
import { tracedCalls } from './adapters/http/traced-calls.ts'
import type { Config } from './config.ts'
import type { NeighbourConfig, NeighboursConfig } from './config-neighbours.ts'
import type { Branch, Employment, ForcedState, MicroserviceName, NeighbourName } from './domain/neighbours.ts'
import {
  type BreakerReport,
  type Breakers,
  type Caller,
  MAX_BRANCHES_A_CALL,
  type NeighbourObserver,
} from './ports/neighbours.ts'
import type { ExpiringKeys } from './ports/redis.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log } from './ports.ts'
import { FOREIGN_TIMES, foreignCopies } from './projections/foreign/foreign-copies.ts'

/** For whoever has none: made-up ones, on loopback, in place of those that are not configured. */
export async function withMadeUpNeighbours({ neighbours: given }: Pick<Config, 'neighbours'>) {
  const { branches, people } = given
  if (branches.url !== null && people.url !== null) return { neighbours: given, close: async () => undefined }
  const madeUp = await startMadeUpNeighbours()
  const neighbours: NeighboursConfig = {
    ...given,
    branches: { ...branches, url: branches.url ?? madeUp.url },
    people: { ...people, url: people.url ?? madeUp.url },
  }
  return { neighbours, close: madeUp.close }
}

/** What is the same for all neighbours (docs/resilience.md tells of it). */
export const LIMITS = {
  /** What waits longer than a call may take has waited in vain. */
  waiting: 64,
  attempts: 3,
  firstPauseMs: 20,
  longestPauseMs: 100,
  /** Within a cluster a connection takes a millisecond; one that takes this long is not coming. */
  connectMs: 150,
  /** Before a neighbour on Node closes it, which it does after five seconds. */
  idleMs: 4_000,
  connectionTtlMs: 60_000,
  /** One further attempt is saved at most: more would go out together when a neighbour falls ill. */
  budget: { share: 0.1, calls: 10 },
  circuit: { leastCalls: 5, illPercent: 50, windowMs: 2_000, openMs: 2_000 },
} as const satisfies Partial<ServiceLimits>
/** A few times what the largest are: a hundred branches with all their hours, one employment. More is read in vain. */
export const MAX_ANSWER_BYTES = { branches: 262_144, people: 16_384 }

type Deps = {
  config: NeighboursConfig
  redis: ExpiringKeys
  observer: NeighbourObserver
  tracing?: Tracing | null
  log: Log
}

/** The other services, guarded; what they know, by way of the copies that all replicas share; and their breakers. */
export function wireNeighbours({ config, redis, observer, tracing, log }: Deps) {
  const traced = <Client extends GuardedClient<never>>(client: Client, neighbour: NeighbourName): Client =>
    tracing ? tracedCalls(client, neighbour, tracing) : client
  const deps = { log, observer }
  const branches = traced(
    guardedClient(describeBranches(config.branches.url, limitsOf(config, 'branches')), deps),
    'branches-service',
  )
  const people = traced(
    guardedClient(describePeople(config.people.url, limitsOf(config, 'people')), deps),
    'people-service',
  )
  const clients = { 'branches-service': branches, 'people-service': people } satisfies Record<MicroserviceName, Guard>
  const copies = {
    branches: foreignCopies<Branch>({
      ...{ redis, log, shape: 1, check: branchFrom },
      ...keptOf('branch', config.branches, config),
      fetch: branchesService(branches).branches,
      idsACall: MAX_BRANCHES_A_CALL,
    }),
    employments: foreignCopies<Employment>({
      ...{ redis, log, shape: 1, check: employmentFrom },
      ...keptOf('employment', config.people, config),
      fetch: oneEach(peopleService(people).employment),
      idsACall: 1,
    }),
  }
  return {
    queries: { ...copies, profileDeadlineMs: config.profileDeadlineMs },
    guards: clients,
    close: async () => {
      for (const { stop } of Object.values(copies)) stop()
      await Promise.all(Object.values(clients).map(({ close }) => close()))
    },
  }
}

/** What stands in front of a neighbour, or would. */
export type Guard = {
  isConfigured: boolean
  report(): BreakerReport
  force(forced: ForcedState | null): void
}

export function breakersOf(guards: Record<NeighbourName, Guard>): Breakers {
  return {
    reports: () => Object.values(guards).flatMap(({ isConfigured, report }) => (isConfigured ? [report()] : [])),
    force: (neighbour, forced) => guards[neighbour].force(forced),
  }
}

function limitsOf(config: NeighboursConfig, whose: keyof typeof MAX_ANSWER_BYTES): ServiceLimits {
  const { callMs, attemptMs, concurrent } = config[whose]
  const maxAnswerBytes = MAX_ANSWER_BYTES[whose]
  return { ...LIMITS, maxAnswerBytes, callMs, attemptMs: Math.min(attemptMs, callMs), concurrent }
}

/** Sites that share a Redis and not their neighbours share no copies. */
function keptOf(kind: string, { url, callMs, concurrent }: NeighbourConfig, { freshMs, staleMs }: NeighboursConfig) {
  const whose = createHash('sha256')
    .update(url ?? '')
    .digest('hex')
    .slice(0, WHOSE_DIGITS)
  return {
    kind: `${kind}-${whose}`,
    callMs,
    refreshes: Math.max(1, Math.floor(concurrent * REFRESHES_SHARE)),
    times: {
      freshMs,
      staleIfErrorMs: Math.max(staleMs, freshMs),
      // Else another replica would ask while a call is under way.
      claimMs: Math.max(FOREIGN_TIMES.claimMs, callMs),
    },
  }
}
const WHOSE_DIGITS = 8
/** Readers come first. */
const REFRESHES_SHARE = 0.25

/** A service that is asked for one at a time. */
function oneEach<T>(ask: (id: string, caller: Caller) => Promise<T | null>) {
  return async ([id = '']: string[], caller: Caller) => new Map([[id, await ask(id, caller)]])
}
