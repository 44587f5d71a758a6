import type { LookupFunction } from 'node:net'
import { type Dispatcher, Pool } from 'undici'
import { sharedLookup } from './shared-lookup.ts'

export type PoolLimits = {
  /** Connections, one call on each. */
  concurrent: number
  attemptMs: number
  connectMs: number
  maxAnswerBytes: number
  /** An idle connection is closed by us after so long: before the neighbour does. */
  idleMs: number
  /** A connection is replaced when it is this old, so that new replicas of the neighbour get their share. */
  connectionTtlMs: number
}

/** What is sent before the answer to the one before is there could not be told apart when it fails. */
const PIPELINING = 1
const MAX_HEADER_BYTES = 16_384
/** undici's own timers tick twice a second, and end up to a tick early or late: so far behind the attempt's, which is exact. */
const COARSE_MS = 1_000

/** Connections to one neighbour, and the path beneath which its calls are. `baseUrl`: http or https. */
export function openPool(baseUrl: string, limits: PoolLimits) {
  const { origin, pathname } = new URL(baseUrl)
  const lookup = sharedLookup()
  const open = () => new Pool(origin, optionsOf(limits, lookup))
  let pool = open()
  return {
    path: pathname.replace(/\/$/, ''),
    request: ((...args: Parameters<Dispatcher['request']>) => pool.request(...args)) as Dispatcher['request'],
    /** No connection is used any more for what is asked from here on; what is under way ends on the old ones. */
    renew(): void {
      const former = pool
      pool = open()
      former.close().catch(() => undefined)
    },
    destroy: () => pool.destroy(),
  }
}

export const optionsOf = (limits: PoolLimits, lookup: LookupFunction): Pool.Options => ({
  connections: limits.concurrent,
  pipelining: PIPELINING,
  connect: { timeout: limits.connectMs, lookup },
  headersTimeout: limits.attemptMs + COARSE_MS,
  bodyTimeout: limits.attemptMs + COARSE_MS,
  maxResponseSize: limits.maxAnswerBytes,
  maxHeaderSize: MAX_HEADER_BYTES,
  keepAliveTimeout: limits.idleMs,
  keepAliveMaxTimeout: limits.idleMs,
  clientTtl: limits.connectionTtlMs,
  allowH2: false,
})
