import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { InformixOptions } from '../../src/adapters/informix/database.ts'
import { openDrda } from '../contract/drda.ts'
import { insertRole, numberOf, type Owner } from '../contract/rig.ts'
import { commitGate } from '../support/drda/commit-gate.ts'
import { type DrdaServer, drdaMissing, startDrdaServer } from '../support/drda/server.ts'
import { until } from '../support/service.ts'

const READ_MS = 1_500
const WRITE_MS = 3_000
/** How much later than its deadline an answer may come on a busy machine. */
const SLACK_MS = 2_000
const WHOLE_AGAIN_MS = 30_000

const OPTIONS: Partial<InformixOptions> = {
  read: { connections: 8, processes: 2, timeoutMs: READ_MS },
  write: { connections: 4, processes: 1, timeoutMs: WRITE_MS },
  connectTimeoutMs: 2_000,
}
const roles = (session: Parameters<typeof numberOf>[0]) => numberOf(session, 'SELECT COUNT(*) AS n FROM roles')
/** Takes seconds: every pair of its rows is looked at. */
const SLOW = 'SELECT COUNT(*) AS n FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n + d.n < 0'

/** Of this process: proc(5), `children` and `cmdline`. */
function driverProcesses(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children.map(Number).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('driver-process'))
}

describe('a DRDA server that fails', { skip: drdaMissing() ?? false }, () => {
  let server: DrdaServer
  before(async () => {
    server = await startDrdaServer()
  })
  after(() => server?.stop())

  async function opened(t: Owner, options: Partial<InformixOptions> = {}) {
    const name = server.makeDatabase()
    const database = openDrda(server, name, { ...OPTIONS, ...options })
    // Whatever has become of the server: the next test finds it up.
    t.after(async () => {
      server.thaw()
      await server.start()
      await database.close()
    })
    await insertRole(database, 'cashier')
    await database.execute('CREATE TABLE numbers (n INTEGER NOT NULL)')
    await database.transaction(async (session) => {
      for (let n = 1; n <= 120; n += 1) await session.execute('INSERT INTO numbers (n) VALUES (?)', [n])
    })
    return { database, name }
  }
  const wholeAgain = (database: Awaited<ReturnType<typeof opened>>['database'], expected: number) =>
    until(
      'everything is served again',
      async () => {
        const all = Array.from({ length: 16 }, () => roles(database).catch(() => null))
        const answers = [
          ...(await Promise.all(all)),
          await database.execute('UPDATE roles SET privileged = 0').catch(() => null),
        ]
        return answers.every((answer) => answer === expected)
      },
      WHOLE_AGAIN_MS,
    )
  /** Each answered in its time, one way or the other. */
  async function answersInTime(calls: Promise<unknown>[], limitMs: number) {
    const started = performance.now()
    const outcomes = await Promise.allSettled(calls)
    assert.ok(performance.now() - started < limitMs + SLACK_MS, `all answered within ${limitMs} ms and some`)
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'served' : String(outcome.reason.code)))
  }

  test('killed in the middle of queries: each is answered in time, and later ones served', async (t) => {
    const { database } = await opened(t)
    await wholeAgain(database, 1)
    const queries = Array.from({ length: 8 }, () => database.query(SLOW))
    await until('they run', async () => database.counts().read.open === 8 && database.counts().read.waiting === 0)
    await server.kill()
    const outcomes = await answersInTime(queries, READ_MS)
    assert.deepEqual([...new Set(outcomes)], ['database-unavailable'])
    await server.start()
    await wholeAgain(database, 1)
  })

  test('while it is gone every request is refused in time, and most at once', async (t) => {
    const { database } = await opened(t)
    await server.kill()
    const outcomes = await answersInTime(
      Array.from({ length: 64 }, () => roles(database)),
      READ_MS,
    )
    assert.ok(
      outcomes.every((outcome) => outcome === 'database-unavailable' || outcome === 'busy'),
      outcomes.join(),
    )
    await server.start()
    await wholeAgain(database, 1)
  })

  test('killed in the middle of a transaction: nothing of it is written', async (t) => {
    const { database } = await opened(t)
    const work = database.transaction(async (session) => {
      await insertRole(session, 'baker')
      await server.kill()
      await insertRole(session, 'butcher')
    })
    assert.deepEqual(await answersInTime([work], WRITE_MS), ['database-unavailable'])
    await server.start()
    await wholeAgain(database, 1)
  })

  test('frozen for longer than the deadline: each is answered in time, and all is well when it thaws', async (t) => {
    const { database } = await opened(t)
    await wholeAgain(database, 1)
    server.freeze()
    const reads = Array.from({ length: 12 }, () => roles(database))
    const write = database.execute(`UPDATE roles SET title = 'Frozen' WHERE role = 'cashier'`)
    const outcomes = await answersInTime([...reads, write], WRITE_MS)
    assert.ok(
      outcomes.every((outcome) => outcome === 'database-unavailable' || outcome === 'busy'),
      outcomes.join(),
    )
    server.thaw()
    await wholeAgain(database, 1)
  })

  test('64 requests at once over 8 connections, with slow ones among them: all are served, in their turn', async (t) => {
    const { database } = await opened(t, { read: { connections: 8, processes: 2, timeoutMs: 20_000 } })
    const calls = Array.from({ length: 64 }, (_, index) =>
      index % 8 === 0
        ? numberOf(database, 'SELECT COUNT(*) AS n FROM numbers a, numbers b, numbers c')
        : roles(database),
    )
    const answers = await Promise.all(calls)
    assert.deepEqual(
      answers,
      Array.from({ length: 64 }, (_, index) => (index % 8 === 0 ? 120 ** 3 : 1)),
    )
    assert.ok(database.counts().read.open <= 8)
  })

  test('a statement that takes too long is answered in time, and the connection is not used again', async (t) => {
    const { database } = await opened(t)
    assert.deepEqual(await answersInTime([database.query(SLOW)], READ_MS), ['database-unavailable'])
    await wholeAgain(database, 1)
  })

  test('a driver that dies takes no request along: reads are done again elsewhere', async (t) => {
    const { database } = await opened(t, { read: { connections: 8, processes: 2, timeoutMs: 20_000 } })
    await wholeAgain(database, 1)
    const calls = Array.from({ length: 8 }, () =>
      numberOf(database, 'SELECT COUNT(*) AS n FROM numbers a, numbers b, numbers c'),
    )
    await until('they run', async () => database.counts().read.open === 8)
    for (const pid of driverProcesses()) process.kill(pid, 'SIGKILL')
    assert.deepEqual(await Promise.all(calls), new Array(8).fill(120 ** 3))
    await wholeAgain(database, 1)
  })

  test('a value on which the driver itself fails is answered in time, and harms nobody after it', async (t) => {
    const { database } = await opened(t)
    // A CHAR of Derby's ends the driver's process, or is thrown past its promise.
    const outcomes = await answersInTime(
      [database.query(`SELECT CAST('x' AS CHAR(5)) AS c FROM service_epoch`)],
      READ_MS,
    )
    assert.equal(outcomes.length, 1)
    await wholeAgain(database, 1)
  })

  test('more rows than memory holds are refused, and the next read is served', async (t) => {
    const { database } = await opened(t, { read: { connections: 1, processes: 1, timeoutMs: 20_000 } })
    await assert.rejects(database.query('SELECT a.n FROM numbers a, numbers b, numbers c'), {
      name: 'SqlError',
      kind: 'other',
      message: /USROW/,
    })
    assert.equal(await roles(database), 1)
  })

  const LOST_COMMITS = [
    { what: 'the server is gone before it has the COMMIT', dies: 'before' },
    { what: 'the server is gone after it has committed, and before it has said so', dies: 'after' },
  ] as const
  for (const { what, dies } of LOST_COMMITS) {
    test(`${what}: the truth is found out, and nothing is written twice`, async (t) => {
      const { database, name } = await opened(t)
      const gate = await commitGate(t, server.port)
      const through = openDrda({ ...server, port: gate.port }, name, OPTIONS)
      t.after(through.close)
      let runs = 0
      gate.breakNextCommit(dies)
      const answer = await through.transaction(
        async (session) => {
          runs += 1
          await insertRole(session, `baker${runs}`)
          return runs
        },
        { certain: true },
      )
      // Before: undone, and done again. After: it was done, and is not done again.
      assert.equal(answer, dies === 'before' ? 2 : 1)
      assert.equal(gate.broken(), 1)
      assert.equal(await roles(database), 2)
    })
  }

  test('a COMMIT of which nothing can be found out is said to be unknown', async (t) => {
    const { name } = await opened(t)
    const gate = await commitGate(t, server.port)
    const through = openDrda({ ...server, port: gate.port }, name, { ...OPTIONS, resolveLimitMs: 500 })
    t.after(through.close)
    gate.breakNextCommit('after')
    gate.closeAfterwards()
    const work = through.transaction((session) => insertRole(session, 'baker'), { certain: true })
    await assert.rejects(work, { code: 'outcome-unknown' })
  })

  test('closing waits for what is under way, and ends every process', async (t) => {
    const { database } = await opened(t)
    const work = database.transaction(async (session) => {
      await insertRole(session, 'baker')
      return roles(session)
    })
    await wait(0)
    const [answer] = await Promise.all([work, database.close()])
    assert.equal(answer, 2)
    await assert.rejects(roles(database), { code: 'database-unavailable' })
  })
})
