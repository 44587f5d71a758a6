import { DomainError } from '../../domain/errors.ts'
import { isSqlError } from '../sql/errors.ts'
import { type Connection, type Deadline, deadlineIn, msUntil } from './connection.ts'
import { waitingLine } from './waiting.ts'

/** Idle for longer, a connection is asked whether it still stands before it is used: a firewall may have dropped it. */
const CHECK_AFTER_IDLE_MS = 30_000
const CHECK_LIMIT_MS = 1_000
/** Retired: a session that lives for ever keeps what the server keeps for it, and never moves to another server. */
const MAX_AGE_MS = 30 * 60_000
const AGE_SPREAD = 0.2
/** After the database could not be reached, the next try is so much later; meanwhile nobody waits for it. */
const REST_MS = 250
const MAX_WAITING = 256

export type PoolOptions = {
  size: number
  open(deadline: Deadline): Promise<Connection>
  /** How long opening a connection may take; whoever waits for it may have less time. */
  openLimitMs: number
  checkAfterIdleMs?: number
  maxAgeMs?: number
  restMs?: number
  maxWaiting?: number
}

export type Pool = {
  /** Rejects with DomainError `busy` when no connection is free in time, and as `open` does. */
  use<Result>(deadline: Deadline, work: (connection: Connection) => Promise<Result>): Promise<Result>
  counts(): { open: number; idle: number; waiting: number }
  /** Waits for whoever uses one. */
  close(): Promise<void>
}

type Pooled = { connection: Connection; idleSince: number; retireAt: number }

/**
 * Connections that are opened when they are needed, at most `size`. A waiter is given the first that is free; when the
 * database turns out to be out of reach, all that wait are told at once, and one of those that come later tries again.
 */
export function connectionPool(options: PoolOptions): Pool {
  const { size, openLimitMs, restMs = REST_MS, maxWaiting = MAX_WAITING } = options
  const { checkAfterIdleMs = CHECK_AFTER_IDLE_MS, maxAgeMs = MAX_AGE_MS } = options
  const idle: Pooled[] = []
  const line = waitingLine<Pooled>(maxWaiting)
  const empty = Promise.withResolvers<void>()
  let open = 0
  let opening = 0
  let closed = false
  let unreachable: { error: unknown; until: number } | null = null

  const left = () => {
    open -= 1
    if (closed && open === 0) empty.resolve()
  }
  const discard = (pooled: Pooled) => {
    void pooled.connection.close().finally(() => {
      left()
      openForWaiting()
    })
  }
  /** In the background, so that a waiter whose time is up leaves nothing behind; whoever waits then may take it. */
  const openOne = () => {
    open += 1
    opening += 1
    options
      .open(deadlineIn(openLimitMs))
      .finally(() => {
        opening -= 1
      })
      .then(
        (connection) => {
          unreachable = null
          handOn({ connection, idleSince: performance.now(), retireAt: performance.now() + spread(maxAgeMs) })
          openForWaiting()
        },
        (error) => {
          unreachable = { error, until: performance.now() + restMs }
          left()
          line.failAll(error)
        },
      )
  }
  const openForWaiting = () => {
    if (closed || line.length() <= opening || open >= size) return
    // Nobody knows yet whether it is back: one tries for all.
    if (unreachable && opening > 0) return
    openOne()
    openForWaiting()
  }
  const handOn = (pooled: Pooled) => {
    if (line.giveNext(pooled)) return
    if (closed) discard(pooled)
    else idle.push({ ...pooled, idleSince: performance.now() })
  }
  const takeBack = (pooled: Pooled) => {
    if (!pooled.connection.isWhole()) {
      // The others were opened to the same server: each is asked before it is used.
      for (const other of idle) other.idleSince = Number.NEGATIVE_INFINITY
      discard(pooled)
    } else if (performance.now() >= pooled.retireAt) discard(pooled)
    else handOn(pooled)
  }
  const stands = async (pooled: Pooled, deadline: Deadline): Promise<boolean> => {
    if (pooled.connection.isWhole() && performance.now() - pooled.idleSince < checkAfterIdleMs) return true
    await pooled.connection.check(Math.min(deadline, deadlineIn(CHECK_LIMIT_MS))).catch(() => undefined)
    return pooled.connection.isWhole()
  }
  const take = async (deadline: Deadline): Promise<Pooled> => {
    for (let pooled = idle.pop(); pooled; pooled = idle.pop()) {
      if (performance.now() < pooled.retireAt && (await stands(pooled, deadline))) return pooled
      discard(pooled)
    }
    if (unreachable && performance.now() < unreachable.until) throw unreachable.error
    const next = line.join(msUntil(deadline))
    openForWaiting()
    return next
  }

  return {
    async use(deadline, work) {
      if (closed) throw new DomainError('database-unavailable', 'The connection to the database is closed.')
      const pooled = await take(deadline)
      try {
        return await work(pooled.connection)
      } finally {
        takeBack(pooled)
      }
    },
    counts: () => ({ open, idle: idle.length, waiting: line.length() }),
    async close() {
      if (closed) return
      closed = true
      line.failAll(new DomainError('database-unavailable', 'The connection to the database is closed.'))
      for (const pooled of idle.splice(0)) discard(pooled)
      if (open > 0) await empty.promise
    },
  }
}

const spread = (ms: number): number => ms * (1 - AGE_SPREAD * Math.random())

export const isUnavailable = (error: unknown): boolean => isSqlError(error, 'unavailable')
