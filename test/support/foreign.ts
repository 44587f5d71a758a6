import assert from 'node:assert/strict'
import { type Caller, NeighbourError, type NoAnswer } from '../../src/ports/neighbours.ts'
import type { Log } from '../../src/ports.ts'
import {
  type Foreign,
  type ForeignCopies,
  type ForeignTimes,
  foreignCopies,
} from '../../src/projections/foreign/foreign-copies.ts'
import { manualClock } from './manual-clock.ts'
import { quiet, until } from './service.ts'

/** Small, so that each is told from the others. */
export const TIMES: ForeignTimes = { freshMs: 1_000, refreshAfterMs: 400, staleIfErrorMs: 100_000, claimMs: 200 }
export const CALL_MS = 5_000
export const IDS_A_CALL = 4
export const KIND = 'shop'
export const SHAPE = 3
export const REFRESHES = 5
const WAIT_MS = 500

/** What is kept of a shop; `of`: the id of a shop that knows its own. */
export type Shop = { name: string; of?: string }
const isShop = (value: unknown): value is Shop =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
const shopFrom = (value: unknown, id: string) => (isShop(value) && (value.of ?? id) === id ? value : undefined)

/** The event loop has nothing left to do. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export type Call = {
  ids: string[]
  caller: Caller
  answer(values?: Record<string, Shop | null>): Promise<void>
  fail(reason: NoAnswer | Error): Promise<void>
}

/** The other service, asked by several replicas: it answers when the test says so. */
export function neighbour() {
  const calls: Call[] = []
  const fetch = (ids: string[], caller: Caller) => {
    const { promise, resolve, reject } = Promise.withResolvers<Map<string, Shop | null>>()
    calls.push({
      ids,
      caller,
      async answer(values = Object.fromEntries(ids.map((id) => [id, { name: `the ${id}` }]))) {
        resolve(new Map(Object.entries(values)))
        await turn()
      },
      async fail(reason) {
        reject(typeof reason === 'string' ? new NeighbourError('shops', reason) : reason)
        await turn()
      },
    })
    return promise
  }
  return {
    fetch,
    calls,
    asked: () => calls.map(({ ids }) => ids.join()),
    /** The only call since the last time. */
    next(): Call {
      const [call, ...others] = calls.splice(0)
      assert.ok(call && others.length === 0, `one call, not ${call ? others.length + 1 : 0}`)
      return call
    },
  }
}

export type Redis = Parameters<typeof foreignCopies<Shop>>[0]['redis']
type Options = {
  redis: Redis
  fetch: ReturnType<typeof neighbour>['fetch']
  now(): number
  log?: Log
  claimMs?: number
}

/** One process. A reading says whether it has been answered, and with what. */
export function replica({ redis, fetch, now, log = quiet, claimMs = TIMES.claimMs }: Options) {
  const clock = manualClock()
  const all: ForeignCopies<Shop> = foreignCopies<Shop>({
    redis,
    kind: KIND,
    shape: SHAPE,
    fetch,
    check: shopFrom,
    callMs: CALL_MS,
    idsACall: IDS_A_CALL,
    refreshes: REFRESHES,
    times: { ...TIMES, claimMs },
    now,
    clock,
    log,
  })
  const caller = (waitMs: number, signal: AbortSignal, requestId: string): Caller => ({
    untilMs: clock.now() + waitMs,
    signal,
    requestId,
    trace: { traceparent: requestId },
  })
  const begin = (ids: string[], { waitMs = WAIT_MS, requestId = 'r1' } = {}) => {
    const away = new AbortController()
    let found: Record<string, Foreign<Shop>> | null = null
    void all.read(ids, caller(waitMs, away.signal, requestId)).then((all) => {
      found = Object.fromEntries(all)
    })
    return {
      found: () => found,
      answered: () => until(`${ids} are answered`, async () => found),
      leave: () => away.abort(),
    }
  }
  return {
    ...all,
    clock,
    begin,
    /** At rest: what could be answered has been. */
    async read(ids: string[], options?: Parameters<typeof begin>[1]) {
      const reading = begin(ids, options)
      await turn()
      return reading
    },
  }
}

export const fresh = (id: string) => ({ state: 'fresh', value: { name: `the ${id}` } })
export const stale = (id: string, reason: string, at: number) => ({
  ...{ state: 'stale', value: { name: `the ${id}` }, reason },
  asOf: new Date(at).toISOString(),
})
/** Told to be quick, it was not. */
export const hurried = () => new NeighbourError('shops', 'timeout', { isHurried: true })
export const missing = (reason: string) => ({ state: 'missing', reason })
