import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gate, insertRole, numberOf } from '../../../test/contract/rig.ts'
import { openSqliteRig, temporaryFolder } from '../../../test/contract/sqlite.ts'
import { openSqlite } from './database.ts'

/** The limit of waiting writes, full: one transaction that holds the turn, and all others behind it. */
async function fullQueue(t: TestContext) {
  const rig = await openSqliteRig(t)
  const begun = gate()
  const { passed, open: release } = gate()
  rig.after(release)
  const holder = rig.database.transaction(async () => {
    begun.open()
    await passed
  })
  await begun.passed
  const writes = Array.from({ length: 255 }, (_, index) => insertRole(rig.database, `role-${index}`))
  return { ...rig, release, done: () => Promise.all([holder, ...writes]) }
}
const roles = 'SELECT COUNT(*) AS n FROM roles'

test('256 writes may wait; one more is refused as busy, reads go on, and then there is room again', async (t) => {
  const { database, release, done } = await fullQueue(t)
  await assert.rejects(insertRole(database, 'one-too-many'), { name: 'DomainError', code: 'busy' })
  await assert.rejects(
    database.transaction(async () => undefined),
    { name: 'DomainError', code: 'busy' },
  )
  assert.equal(await numberOf(database, roles), 0)
  release()
  await done()
  await insertRole(database, 'another')
  assert.equal(await numberOf(database, roles), 256)
})

test('close waits for all writes that wait, however many', async (t) => {
  const { database, other, release, done } = await fullQueue(t)
  const closed = database.close()
  release()
  await Promise.all([done(), closed])
  assert.equal(await numberOf(other, roles), 255)
  await assert.rejects(database.query('SELECT 1 AS n'), { name: 'SqlError' })
})

test('a write that fails leaves its turn to the next', async (t) => {
  const { database } = await openSqliteRig(t)
  const results = await Promise.allSettled([
    insertRole(database, 'cashier'),
    insertRole(database, 'cashier'),
    insertRole(database, 'baker'),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
})

test('what is no database, or in no folder, is unavailable', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'text.db'), 'This is some text, and certainly no database. '.repeat(100))
  for (const path of [join(folder, 'text.db'), join(folder, 'none', 'users.db')]) {
    assert.throws(() => openSqlite(path), { name: 'SqlError', kind: 'unavailable' })
  }
})
