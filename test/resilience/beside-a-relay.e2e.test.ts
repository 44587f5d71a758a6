import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertUser } from '../contract/rig.ts'
import { startService, until } from '../support/service.ts'

/** Some marks' worth. */
const WITHHELD_MS = 3_000

test('beside a relay, which takes changes elsewhere, nobody vouches; after it all since the last mark is projected again', async (t) => {
  const service = await startService()
  t.after(service.close)
  const { app, sql, query } = service
  await insertUser(
    { execute: async (...args) => (await sql(args[0], ...(args[1] ?? []))) as never, query: query as never },
    1,
  )
  /** And whether it is a copy that says so, be it in Redis or near. */
  const titleOf = async () => {
    const answer = await app.inject('/v1/users/1')
    return [answer.json().jobTitle, answer.headers['read-from'] !== 'database']
  }
  const ageMs = async () => (await app.inject('/health/consistency')).json().oldestUnprojectedMs as number | null
  await until('the user is in Redis', async () => (await titleOf())[1] === true)
  await until('the worker vouches', async () => ((await ageMs()) ?? WITHHELD_MS) < WITHHELD_MS)

  await sql(`INSERT INTO relay_leases VALUES ('changes', 'a relay', 1, '9999-01-01 00:00:00.000', '-', 0)`)
  await until('no mark is written any more', async () => ((await ageMs()) ?? 0) > WITHHELD_MS)
  // What a relay does: the change leaves the outbox, and is nowhere that this worker looks.
  await sql('BEGIN IMMEDIATE')
  await sql(`UPDATE users SET job_title = 'Taken elsewhere' WHERE user_id = 1`)
  await sql('DELETE FROM entity_changes')
  await sql('COMMIT')
  assert.deepEqual(await titleOf(), [null, true], 'nobody here has heard of it')

  await sql(`UPDATE relay_leases SET free_at = '1970-01-01 00:00:00.000'`)
  await until('what it took is shown', async () => (await titleOf())[0] === 'Taken elsewhere')
  await until('the worker vouches again', async () => ((await ageMs()) ?? WITHHELD_MS) < WITHHELD_MS)
})
