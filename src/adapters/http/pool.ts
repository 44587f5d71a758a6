import { Pool } from 'undici'

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

/** Connections to one neighbour, and the path beneath which its calls are. `baseUrl`: http or https. */
export function openPool(baseUrl: string, limits: PoolLimits) {
  const { origin, pathname } = new URL(baseUrl)
  const pool = new Pool(origin, {
    connections: limits.concurrent,
    pipelining: PIPELINING,
    connectTimeout: limits.connectMs,
    // Coarse (undici's timers tick twice a second): behind the attempt's own deadline, which is exact.
    headersTimeout: limits.attemptMs,
    bodyTimeout: limits.attemptMs,
    maxResponseSize: limits.maxAnswerBytes,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: limits.idleMs,
    keepAliveMaxTimeout: limits.idleMs,
    clientTtl: limits.connectionTtlMs,
    allowH2: false,
  })
  return { pool, path: pathname.replace(/\/$/, '') }
}
