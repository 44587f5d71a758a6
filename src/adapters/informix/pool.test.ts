import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SqlError } from '../sql/errors.ts'
import { type Connection, type Deadline, deadlineIn } from './connection.ts'
import { connectionPool, type PoolOptions } from './pool.ts'

const LONG_MS = 10_000

/** A database of which one can say how it is; its connections have numbers. */
function server() {
  const state = { isUp: true, opened: 0, closed: 0, checks: 0, opening: 0 }
  const open = async (_: Deadline): Promise<Connection & { number: number; broken: boolean }> => {
    state.opening += 1
    await new Promise(setImmediate)
    if (!state.isUp) throw new SqlError('unavailable', 'gone', undefined)
    state.opened += 1
    const connection = {
      number: state.opened,
      broken: false,
      isWhole: () => !connection.broken,
      check: async () => {
        state.checks += 1
        if (!state.isUp) connection.broken = true
      },
      close: async () => {
        state.closed += 1
      },
    }
    return connection as unknown as Connection & typeof connection
  }
  return { state, open }
}

function opened(options: Partial<PoolOptions> = {}) {
  const { state, open } = server()
  return { state, pool: connectionPool({ size: 2, open, openLimitMs: LONG_MS, ...options }) }
}
const numberOf = (connection: Connection) => (connection as Connection & { number: number }).number
const breakIt = (connection: Connection) => Object.assign(connection, { broken: true })
const anHour = () => deadlineIn(LONG_MS)

describe('a pool of connections', () => {
  test('opens what is needed, at most its size, and uses it again', async () => {
    const { state, pool } = opened()
    for (let i = 0; i < 5; i += 1) await pool.use(anHour(), async () => undefined)
    assert.equal(state.opened, 1)
    const both = Promise.withResolvers<void>()
    let users = 0
    const used = await Promise.all(
      Array.from({ length: 10 }, () =>
        pool.use(anHour(), async (one) => {
          users += 1
          if (users === 2) both.resolve()
          await both.promise
          return numberOf(one)
        }),
      ),
    )
    assert.deepEqual([new Set(used).size, state.opened], [2, 2])
    await pool.close()
    assert.equal(state.closed, 2)
  })

  test('whoever waits for longer than their time is refused as busy, and leaves nothing behind', async () => {
    const { pool } = opened({ size: 1 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const holding = pool.use(anHour(), () => promise)
    await pool.use(deadlineIn(20), async () => undefined).then(assert.fail, ({ code }) => assert.equal(code, 'busy'))
    assert.equal(pool.counts().waiting, 0)
    resolve()
    await holding
    assert.equal(await pool.use(anHour(), async (one) => numberOf(one)), 1)
    await pool.close()
  })

  test('more than may wait are refused at once', async () => {
    const { pool } = opened({ size: 1, maxWaiting: 2 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const holding = pool.use(anHour(), () => promise)
    await new Promise(setImmediate)
    const waiting = [1, 2].map(() => pool.use(anHour(), async () => undefined))
    await assert.rejects(
      pool.use(anHour(), async () => undefined),
      { code: 'busy' },
    )
    resolve()
    await Promise.all([holding, ...waiting])
    await pool.close()
  })

  test('a database that is gone is noticed once, and told to all who wait', async () => {
    const { state, pool } = opened({ size: 2, restMs: LONG_MS })
    state.isUp = false
    const all = Array.from({ length: 20 }, () => pool.use(anHour(), async () => undefined))
    for (const outcome of await Promise.allSettled(all)) assert.equal(outcome.status, 'rejected')
    assert.ok(state.opening <= 2, `${state.opening} tries`)
    // And for a while nobody tries.
    await assert.rejects(pool.use(anHour(), async () => undefined))
    assert.ok(state.opening <= 2)
    await pool.close()
  })

  test('after that rest one tries for all, and then everybody is served', async () => {
    const { state, pool } = opened({ size: 4, restMs: 0 })
    state.isUp = false
    await assert.rejects(pool.use(anHour(), async () => undefined))
    state.isUp = true
    state.opening = 0
    const first = Array.from({ length: 8 }, () => pool.use(anHour(), async () => undefined))
    assert.equal(state.opening, 1)
    await Promise.all(first)
    await pool.close()
  })

  test('one that was found lost is not handed on, and the others are asked first', async () => {
    const { state, pool } = opened()
    await Promise.all([1, 2].map(() => pool.use(anHour(), async () => new Promise((done) => setImmediate(done)))))
    await pool.use(anHour(), async (one) => void breakIt(one))
    assert.equal(state.closed, 1)
    await pool.use(anHour(), async () => undefined)
    assert.equal(state.checks, 1)
    await pool.close()
  })

  test('an old one is retired, an idle one is asked', async () => {
    const { state, pool } = opened({ maxAgeMs: 0 })
    for (let i = 0; i < 3; i += 1) await pool.use(anHour(), async () => undefined)
    assert.deepEqual([state.opened, state.closed], [3, 3])
    const idle = opened({ checkAfterIdleMs: -1 })
    for (let i = 0; i < 3; i += 1) await idle.pool.use(anHour(), async () => undefined)
    assert.deepEqual([idle.state.opened, idle.state.checks], [1, 2])
    await Promise.all([pool.close(), idle.pool.close()])
  })

  test('closing refuses who waits, and waits for who works', async () => {
    const { state, pool } = opened({ size: 1 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const working = pool.use(anHour(), () => promise)
    await new Promise(setImmediate)
    const waiting = assert.rejects(
      pool.use(anHour(), async () => undefined),
      { code: 'database-unavailable' },
    )
    const closed = pool.close()
    await waiting
    assert.equal(state.closed, 0)
    resolve()
    await Promise.all([working, closed])
    assert.equal(state.closed, 1)
    await pool.close()
  })
})
