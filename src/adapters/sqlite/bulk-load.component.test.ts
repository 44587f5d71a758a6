import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { temporaryFolder } from '../../../test/contract/sqlite.ts'
import { someUser } from '../../../test/support/users.ts'
import type { Role } from '../../domain/role.ts'
import type { User } from '../../domain/user.ts'
import { sqlTruth } from '../sql/truth.ts'
import { bulkLoad } from './bulk-load.ts'
import { openSqlite } from './database.ts'
import { ensureSqliteSchema } from './schema.ts'

const ROLES: Role[] = [
  {
    role: 'cashier',
    title: 'Cashier',
    privileged: false,
    permissions: [{ permission: 'till.open', effect: 'approve' }],
  },
  { role: 'key-holder', title: 'Key holder', privileged: true, permissions: [] },
]
const users = (count: number): User[] =>
  Array.from({ length: count }, (_, index) => someUser({ id: index + 1, username: `user.${index + 1}` }))

const load = (path: string, people: Iterable<User>, onProgress: (done: number) => void = () => undefined) =>
  bulkLoad({ path, roles: ROLES, users: people, onProgress })

function open(t: TestContext, path: string) {
  const database = openSqlite(path)
  t.after(database.close)
  const truth = sqlTruth({ point: database, scan: database, dialect: database.dialect })
  return { database, truth, ids: () => truth.userIds({ branchId: null, role: null, status: null }, 0, 100) }
}

test('a loaded database holds the given users and roles, at a version of its own', async (t) => {
  const path = join(await temporaryFolder(t), 'deep', 'users.db')
  load(path, users(3))
  const { truth, ids, database } = open(t, path)
  assert.deepEqual(await ids(), [1, 2, 3])
  const { user, settled } = await truth.user(2)
  assert.deepEqual(
    { ...user, preferences: { ...user?.preferences } },
    someUser({ id: 2, username: 'user.2', version: 5 }),
  )
  assert.deepEqual([settled, await truth.roles()], [true, { version: 2, settled: true, roles: ROLES }])
  assert.deepEqual(await database.query('SELECT change_id FROM entity_changes'), [], 'a rebuild reads all of it anyhow')
})

test('what is written after the load moves versions and makes changes', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  load(path, users(2))
  const { database, truth } = open(t, path)
  await database.execute(`DELETE FROM user_branches WHERE user_id = 2 AND branch_id = 'B002'`)
  assert.deepEqual([(await truth.user(1)).version, (await truth.user(2)).version], [5, 6])
  assert.equal((await database.query('SELECT change_id FROM entity_changes')).length, 1)
  // Foreign keys are off while it loads, and on ever after.
  await assert.rejects(database.execute('DELETE FROM users'), { kind: 'missing-parent' })
})

test('progress is told every 5,000 users and at the end', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  const told: number[] = []
  load(path, users(5_001), (done) => told.push(done))
  assert.deepEqual(told, [5_000, 5_001])
  assert.equal(await open(t, path).truth.countUsers(), 5_001)
})

test('a load replaces the database that was there, with its logs, and has another epoch', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  ensureSqliteSchema(path)
  const epochOf = async () => {
    const database = openSqlite(path)
    const [row] = await database.query('SELECT epoch FROM service_epoch')
    await database.close()
    return row?.epoch
  }
  const epoch = await epochOf()
  for (const suffix of ['-wal', '-shm', '-journal']) await writeFile(`${path}${suffix}`, 'of the old one')
  load(path, users(1))
  assert.deepEqual(await readdir(dirname(path)), ['users.db'])
  assert.notEqual(await epochOf(), epoch)
  assert.deepEqual(await open(t, path).ids(), [1])
})

test('a load that breaks off leaves what was there, and the next one is not hindered', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  load(path, users(2))
  function* breaking() {
    yield* users(1)
    throw new RangeError('the source has failed')
  }
  assert.throws(() => load(path, breaking()), RangeError)
  const { ids, database } = open(t, path)
  assert.deepEqual(await ids(), [1, 2])
  await database.close()
  load(path, users(3))
  assert.deepEqual(await open(t, path).ids(), [1, 2, 3])
  assert.equal(existsSync(`${path}.loading`), false)
})

test('several connections may be opened at once on what was loaded', async (t) => {
  const path = join(await temporaryFolder(t), 'users.db')
  load(path, users(1))
  const opening = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.folder + '/connection.ts').then(({ openConnection }) => {
      const turn = new Int32Array(workerData.turn)
      parentPort.postMessage(Atomics.add(turn, 0, 1))
      while (Atomics.load(turn, 0) < workerData.all);
      openConnection(workerData.path, { readOnly: false }).all('SELECT * FROM users', [])
    })`
  const turn = new SharedArrayBuffer(4)
  const threads = Array.from({ length: 3 }, () => {
    const workerData = { folder: import.meta.dirname, path, turn, all: 3 }
    const thread = new Worker(opening, { eval: true, workerData })
    t.after(() => thread.terminate())
    return once(thread, 'exit')
  })
  assert.deepEqual(await Promise.all(threads), [[0], [0], [0]])
})
