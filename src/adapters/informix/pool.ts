import { DomainError } from '../../domain/errors.ts'
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
  /** How long somebody has waited for a connection, whether there was one or not. */
  onWaited?(ms: number): void
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
  const { checkAfterIdleMs = CHECK_AFTER_IDLE_MS, maxWaiting = MAX_WAITING } = options
  const idle: Pooled[] = []
  const line = waitingLine<Pooled>(maxWaiting, () => openings.isOpening())
  let closed = false
  const handOn = (pooled: Pooled) => {
    if (line.giveNext(pooled)) return
    // Those at the bottom may not have been used since a peak.
    while (idle[0] && performance.now() >= idle[0].retireAt) openings.discard(idle.shift() as Pooled)
    if (closed) openings.discard(pooled)
    else idle.push({ ...pooled, idleSince: performance.now() })
  }
  const openings = opener({
    ...options,
    wanted: () => (closed ? 0 : line.length()),
    onOpen: handOn,
    onFailure: line.failAll,
  })
  const takeBack = (pooled: Pooled) => {
    if (!pooled.connection.isWhole()) {
      // The others were opened to the same server: each is asked before it is used.
      for (const other of idle) other.idleSince = Number.NEGATIVE_INFINITY
      openings.discard(pooled)
    } else if (performance.now() >= pooled.retireAt) openings.discard(pooled)
    else handOn(pooled)
  }
  const stands = async (pooled: Pooled, deadline: Deadline): Promise<boolean> => {
    if (pooled.connection.isWhole() && performance.now() - pooled.idleSince < checkAfterIdleMs) return true
    const answered = pooled.connection.check(Math.min(deadline, deadlineIn(CHECK_LIMIT_MS)))
    return answered.then(
      () => pooled.connection.isWhole(),
      () => false,
    )
  }
  const take = async (deadline: Deadline): Promise<Pooled> => {
    for (let pooled = idle.pop(); pooled; pooled = idle.pop()) {
      if (performance.now() < pooled.retireAt && (await stands(pooled, deadline))) return pooled
      openings.discard(pooled)
    }
    openings.throwIfUnreachable()
    const next = line.join(msUntil(deadline))
    openings.openWanted()
    return next
  }
  return {
    async use(deadline, work) {
      if (closed) throw new DomainError('database-unavailable', CLOSED)
      const begunAtMs = performance.now()
      const pooled = await take(deadline).finally(() => options.onWaited?.(performance.now() - begunAtMs))
      try {
        return await work(pooled.connection)
      } finally {
        takeBack(pooled)
      }
    },
    counts: () => ({ open: openings.count(), idle: idle.length, waiting: line.length() }),
    async close() {
      closed = true
      line.failAll(new DomainError('database-unavailable', CLOSED))
      for (const pooled of idle.splice(0)) openings.discard(pooled)
      await openings.allGone()
    },
  }
}
const CLOSED = 'The connection to the database is closed.'

type OpenerOptions = PoolOptions & {
  /** How many wait for a connection. */
  wanted(): number
  onOpen(pooled: Pooled): void
  onFailure(error: unknown): void
}

/** Opens in the background, so that a waiter whose time is up leaves nothing behind. */
function opener({ open, size, openLimitMs, wanted, onOpen, onFailure, ...options }: OpenerOptions) {
  const { maxAgeMs = MAX_AGE_MS, restMs = REST_MS } = options
  const gone = new Set<() => void>()
  let count = 0
  let opening = 0
  let unreachable: { error: unknown; until: number } | null = null
  const left = () => {
    count -= 1
    if (count > 0) return
    for (const tell of gone) tell()
    gone.clear()
  }
  const openOne = async () => {
    count += 1
    opening += 1
    try {
      const connection = await open(deadlineIn(openLimitMs))
      opening -= 1
      unreachable = null
      const now = performance.now()
      onOpen({ connection, idleSince: now, retireAt: now + spread(maxAgeMs) })
      openWanted()
    } catch (error) {
      opening -= 1
      left()
      // While others are in use, whoever waits gets the next of those: the server may only be full.
      if (count > 0) return
      unreachable = { error, until: performance.now() + restMs }
      onFailure(error)
    }
  }
  const openWanted = () => {
    while (wanted() > opening && count < size) {
      // Nobody knows yet whether it is back: one tries for all.
      if (unreachable && opening > 0) return
      void openOne()
    }
  }
  return {
    openWanted,
    count: () => count,
    isOpening: () => opening > 0,
    discard(pooled: Pooled): void {
      void pooled.connection.close().finally(() => {
        left()
        openWanted()
      })
    },
    throwIfUnreachable(): void {
      if (unreachable && performance.now() < unreachable.until) throw unreachable.error
    },
    allGone: () => (count === 0 ? Promise.resolve() : new Promise<void>((resolve) => gone.add(resolve))),
  }
}

const spread = (ms: number): number => ms * (1 - AGE_SPREAD * Math.random())
