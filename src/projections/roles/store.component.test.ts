import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  freshKeys,
  ofFile,
  openTruth,
  readModelsOf,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { until } from '../../../test/support/service.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Truth } from '../../ports.ts'
import { keysOf } from '../keys.ts'
import { lua } from '../lua.ts'
import { OtherIncarnationError } from '../user/store.ts'

const APPLY = lua(import.meta.url, 'apply-2')
const FENCE = lua(import.meta.url, 'fence-1')
const INC = 'now.run1'

const { server, raw } = await redisOfFile()
const source = await openTruth(ofFile, 0)

type Entry = { v?: string; b?: string }
type Step = { apply: number; inc?: string } | { fence: number }
const CASES: { what: string; held: Entry; step: Step; result: unknown; entry: Entry }[] = [
  {
    what: 'the first catalogue is put in',
    held: {},
    step: { apply: 2 },
    result: 'applied',
    entry: { v: '2', b: 'r2' },
  },
  {
    what: 'a newer one replaces it',
    held: { v: '2', b: 'r2' },
    step: { apply: 3 },
    result: 'applied',
    entry: { v: '3', b: 'r3' },
  },
  {
    what: 'the same version keeps its body',
    held: { v: '2', b: 'as it was' },
    step: { apply: 2 },
    result: 'older',
    entry: { v: '2', b: 'as it was' },
  },
  {
    what: 'an older one is ignored; versions are numbers, not text',
    held: { v: '10', b: 'r10' },
    step: { apply: 9 },
    result: 'older',
    entry: { v: '10', b: 'r10' },
  },
  {
    what: 'one read under another incarnation is refused, however new',
    held: { v: '2', b: 'r2' },
    step: { apply: 99, inc: 'before.run1' },
    result: 'incarnation',
    entry: { v: '2', b: 'r2' },
  },
  {
    what: 'a fence gets its body',
    held: { v: '3' },
    step: { apply: 3 },
    result: 'applied',
    entry: { v: '3', b: 'r3' },
  },
  { what: 'a fence keeps older ones out', held: { v: '3' }, step: { apply: 2 }, result: 'older', entry: { v: '3' } },
  {
    what: 'a newer one lifts the fence',
    held: { v: '3' },
    step: { apply: 4 },
    result: 'applied',
    entry: { v: '4', b: 'r4' },
  },
  { what: 'a fence above drops the body', held: { v: '2', b: 'r2' }, step: { fence: 3 }, result: 1, entry: { v: '3' } },
  { what: 'a fence before anything stands', held: {}, step: { fence: 3 }, result: 1, entry: { v: '3' } },
  { what: 'a fence repeated does nothing', held: { v: '3' }, step: { fence: 3 }, result: 0, entry: { v: '3' } },
  {
    what: 'a fence at the stored version does nothing',
    held: { v: '3', b: 'r3' },
    step: { fence: 3 },
    result: 0,
    entry: { v: '3', b: 'r3' },
  },
  {
    what: 'a fence below does nothing',
    held: { v: '10', b: 'r10' },
    step: { fence: 9 },
    result: 0,
    entry: { v: '10', b: 'r10' },
  },
]
for (const { what, held, step, result, entry } of CASES) {
  test(`${'fence' in step ? 'fence' : 'apply'}: ${what}`, async () => {
    const keys = freshKeys()
    await raw.set(keys.home.inc, INC)
    if (held.v !== undefined) await raw.hset(keys.roles, held)
    const answer =
      'fence' in step
        ? await raw.eval(FENCE.source, 1, keys.roles, step.fence)
        : await raw.eval(APPLY.source, 2, keys.roles, keys.home.inc, step.inc ?? INC, step.apply, `r${step.apply}`)
    assert.equal(answer, result)
    assert.deepEqual({ ...(await raw.hgetall(keys.roles)) }, entry)
  })
}

/** The catalogue's views over the file's Redis and database, and how often the database was read. */
async function start(t: TestContext) {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  let reads = 0
  const database = { error: null as Error | null }
  const truth: Truth = {
    ...source.truth,
    roles: () => {
      reads += 1
      return database.error ? Promise.reject(database.error) : source.truth.roles()
    },
  }
  const models = readModelsOf({ client, keys, truth })
  const filled = (version: number) =>
    until('the catalogue is filled in', async () => {
      const [v, b] = await raw.hmget(keys.roles, 'v', 'b')
      return Number(v) === version && b !== null
    })
  return { keys, client, ...models, reads: () => reads, filled, database }
}

test('a miss is answered by the database and filled in; then Redis answers the same', async (t) => {
  const { begin, roles, filled, reads } = await start(t)
  await begin()
  const missed = await roles.catalogue()
  assert.equal(missed.from, 'database')
  assert.ok(missed.roles.length > 0)
  await filled(missed.version)
  assert.deepEqual(await roles.catalogue(), { ...missed, from: 'redis' })
  assert.equal(reads(), 1)
})

test('a fenced catalogue is never served from Redis or from memory', async (t) => {
  const { begin, roles, filled, keys } = await start(t)
  await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  assert.equal((await roles.catalogue()).from, 'redis')
  assert.equal(await roles.fence(version + 1), true)
  assert.equal((await roles.catalogue()).from, 'database')
  // What the database holds is older than the fence here, so it is answered but not stored.
  assert.equal(await raw.hexists(keys.roles, 'b'), 0)
})

test('the body travels and is parsed once a version', async (t) => {
  const { begin, roles, filled } = await start(t)
  await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  const { roles: first } = await roles.catalogue()
  assert.equal((await roles.catalogue()).roles, first)
  const changed = [{ role: 'other', title: 'Other', privileged: false, permissions: [] }]
  await roles.apply({ version: version + 1, roles: changed }, await begin())
  assert.deepEqual(await roles.catalogue(), { version: version + 1, roles: changed, from: 'redis' })
})

test('while Redis is not believed the database answers, and nothing is stored', async (t) => {
  const { roles, keys, client } = await start(t)
  assert.equal(client.incarnation(keys.home.inc), null)
  assert.equal((await roles.catalogue()).from, 'database')
  assert.equal(await raw.exists(keys.roles), 0)
})

test('an apply under another incarnation says so', async (t) => {
  const { begin, roles } = await start(t)
  await begin()
  await assert.rejects(roles.apply({ version: 5, roles: [] }, 'before.run1'), OtherIncarnationError)
})

test('a catalogue that keeps moving while it is read is answered but not stored', async (t) => {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  const truth = { ...source.truth, roles: async () => ({ ...(await source.truth.roles()), settled: false }) }
  const { begin, roles, projector } = readModelsOf({ client, keys, truth })
  await begin()
  const scripts = t.mock.method(client, 'run')
  assert.equal((await roles.catalogue()).from, 'database')
  await assert.rejects(projector.projectRoles(), /kept moving/)
  assert.deepEqual(
    scripts.mock.calls.filter(({ arguments: [{ name }] }) => name === APPLY.name),
    [],
  )
})

test('a catalogue of another life of Redis is not served, from memory either, and is noticed', async (t) => {
  const { begin, roles, filled, keys, client } = await start(t)
  const inc = await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  assert.equal((await roles.catalogue()).from, 'redis', 'and it is in memory now')
  await raw.set(keys.home.inc, 'x.another')
  assert.equal(client.incarnation(keys.home.inc), inc, 'nobody has told the client')
  assert.equal((await roles.catalogue()).from, 'database')
  await until('it is noticed', async () => client.incarnation(keys.home.inc) === null)
})

test('while changes wait to be handled the database says, and when it is gone, old is better than none and is said', async (t) => {
  const { begin, roles, filled, age, database } = await start(t)
  await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  const held = await roles.catalogue()
  age.isOld = true
  assert.deepEqual(await roles.catalogue(), { ...held, from: 'database' })
  database.error = new TypeError('a fault of ours')
  await assert.rejects(roles.catalogue(), TypeError)
  database.error = new DomainError('database-unavailable', 'gone')
  assert.deepEqual(await roles.catalogue(), { ...held, stale: true })
  age.isOld = false
  assert.deepEqual(await roles.catalogue(), held)
  await roles.fence(version + 1)
  await assert.rejects(roles.catalogue(), /gone/)
})

test('a version that the caller knows of is shown, or the database is asked for it, and a later one is unknown', async (t) => {
  const { begin, roles, filled, reads } = await start(t)
  await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  assert.equal((await roles.catalogue(version)).from, 'redis')
  assert.equal(reads(), 1)
  await roles.fence(version + 1)
  assert.deepEqual([(await roles.catalogue(version)).from, reads()], ['database', 2])
  await assert.rejects(roles.catalogue(version + 1), { code: 'version-unknown' })
  assert.equal(reads(), 3)
})

test('what the database, or a command, has said here once is not gone back behind', async (t) => {
  const { begin, roles, filled, floor } = await start(t)
  await begin()
  const { version } = await roles.catalogue()
  await filled(version)
  floor.raiseRoles(version + 1)
  assert.equal((await roles.catalogue()).from, 'database')
  // That database has gone back: what it says is what there is, and Redis is read again.
  assert.equal((await roles.catalogue()).from, 'redis')
})

test('however many ask while Redis has none, one after another is read, not all at once', async (t) => {
  const { roles, reads } = await start(t)
  const all = await Promise.all(Array.from({ length: 1_000 }, () => roles.catalogue()))
  assert.ok(all.every(({ from }) => from === 'database'))
  assert.equal(reads(), 1)
})

test('a fence goes to every schema that is in use', async (t) => {
  const { begin, roles, keys } = await start(t)
  await begin()
  const other = keysOf(keys.epoch, '999p3')
  await raw.hset(keys.schemas, other.tag, '1')
  for (const each of [keys, other]) await raw.hset(each.roles, { v: '5', b: '[]' })
  assert.equal(await roles.fence(6), true)
  for (const each of [keys, other]) assert.deepEqual({ ...(await raw.hgetall(each.roles)) }, { v: '6' })
  assert.equal(await roles.fence(6), false)
  await roles.fenceOthers(7, [other])
  assert.deepEqual([await raw.hget(keys.roles, 'v'), await raw.hget(other.roles, 'v')], ['6', '7'])
})
