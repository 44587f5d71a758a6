// What is told of in passing, for whoever counts it: must be quick, and not throw. Figures are plain numbers.

/** Where an answer was read, the nearest first. */
export const READ_PLACES = ['near', 'redis', 'database'] as const
export type ReadPlace = (typeof READ_PLACES)[number]

export type ReadObserver = { read(from: ReadPlace): void }

/** Of what is answered before the router. One in so many is timed. */
export type HotObserver = {
  /** By `performance.now()`; 0: this one is not timed. */
  begun(): number
  answered(from: ReadPlace, withBody: boolean, begunAtMs: number): void
}

/** As the router knows it. */
export type ServedRoute = { method: string; route: string }
/** `aborted`: whoever asked has gone before all was sent. */
export const ANSWERS = ['2xx', '3xx', '4xx', '5xx', 'aborted'] as const
export type Answered = (typeof ANSWERS)[number]

export type RequestObserver = {
  /** Once, with all routes; answers whom each request is told to. */
  serving(routes: readonly ServedRoute[]): { began(): void; ended(by: ServedRoute, how: Answered, ms: number): void }
}

/** Of commands: `outcome` is `done`, a code of the domain, or one of these. */
export const OTHER_OUTCOMES = ['done', 'invalid', 'failed'] as const
export type CommandObserver = { ended(outcome: string): void }

/** `replayed`: with the answer that an earlier request with the same key was given. `invisible`: committed, and not yet shown. */
export type WriteObserver = { written(isReplay: boolean, isVisible: boolean): void }

/** Of tokens that were looked at: those that were seen before are not among them. */
export const TOKEN_OUTCOMES = ['verified', 'refused', 'unverifiable'] as const
export type TokenObserver = { looked(outcome: (typeof TOKEN_OUTCOMES)[number]): void }

export const DATABASE_CALLS = ['query', 'execute', 'transaction'] as const
export type DatabaseCall = (typeof DATABASE_CALLS)[number]
export type DatabaseObserver = {
  ended(call: DatabaseCall, failed: boolean, ms: number): void
  /** Until a connection of this pool could be used, or none could. */
  waited(pool: PoolName, ms: number): void
  processStarted(pool: PoolName): void
}
export const POOLS = ['read', 'write', 'scan'] as const
export type PoolName = (typeof POOLS)[number]
export type PoolCounts = { open: number; idle: number; waiting: number; size: number }

/** `script`: writes to the read models, and whatever else is done in one step there. */
export const REDIS_CALLS = ['read', 'script'] as const
export type RedisCall = (typeof REDIS_CALLS)[number]
export type RedisObserver = {
  /** One in so many calls; 0: this one is not timed. */
  begun(): number
  ended(call: RedisCall, failed: boolean, begunAtMs: number): void
  connected(): void
}

/** What became of a write to the read models. `older`: something newer was there. `lease`: the reader's had ended. */
export const READ_MODEL_WRITES = {
  apply: ['applied', 'older', 'incarnation', 'failed'],
  bury: ['applied', 'older', 'incarnation', 'failed'],
  fill: ['applied', 'refused', 'incarnation', 'failed'],
  ghost: ['applied', 'refused', 'incarnation', 'failed'],
  fence: ['applied', 'older', 'failed'],
  lease: ['granted', 'taken', 'stored', 'incarnation', 'failed'],
} as const
export type ReadModelWrite = keyof typeof READ_MODEL_WRITES
export type ReadModelObserver = {
  wrote<What extends ReadModelWrite>(what: What, outcome: (typeof READ_MODEL_WRITES)[What][number]): void
}

export const RELAY_DUTIES = ['changes', 'events'] as const
export type RelayDuty = (typeof RELAY_DUTIES)[number]
export type RelayObserver = {
  leads(duty: RelayDuty, does: boolean): void
  published(duty: RelayDuty, messages: number): void
}

/** What every process that has a database and a Redis counts. */
export type CoreObserver = { database: DatabaseObserver; redis: RedisObserver; readModels: ReadModelObserver }
