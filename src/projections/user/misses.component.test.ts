import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  callsOf,
  connectClient,
  freshKeys,
  openTruth,
  PARTITION_COUNTS,
  readModelsOf,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { until } from '../../../test/support/service.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Truth } from '../../ports.ts'

const ID = 9
const READERS = 1_000
/** How long a reader waits for another's fill, and what a busy machine may add. */
const WAIT_MS = 150
const MARGIN_MS = 2_000

const { server, raw } = await redisOfFile()

/** What a read of the database does between having read and answering; the reads so far. */
function gated(truth: Truth) {
  const gate = { pass: async (): Promise<void> => undefined, reads: [] as number[][] }
  const users: Truth['users'] = async (userIds) => {
    gate.reads.push(userIds)
    const found = await truth.users(userIds)
    await gate.pass()
    return found
  }
  return { gate, truth: { ...truth, users } }
}
/** Holds every read from now on until it is opened; `reached`: that many have read. */
function hold(gate: { pass(): Promise<void> }) {
  const { promise, resolve: open } = Promise.withResolvers<void>()
  let waiting = 0
  gate.pass = () => {
    waiting += 1
    return promise
  }
  return {
    open: () => {
      gate.pass = async () => undefined
      open()
    },
    reached: (count: number) => until(`${count} reads are held`, async () => waiting >= count),
  }
}

/** A database of a dozen, and processes that read it: each with a connection of its own. */
async function start(t: TestContext, partitions = 1) {
  const source = await openTruth(t, 12)
  const keys = freshKeys(partitions)
  const { gate, truth } = gated(source.truth)
  const process = async () => {
    const client = await connectClient(t, server.url, keys)
    return { client, ...readModelsOf({ client, keys, truth }) }
  }
  const first = await process()
  await first.begin()
  const filled = () => until('the user is filled in', async () => (await raw.hexists(keys.user(ID), 'b')) === 1)
  const change = async () => {
    source.sql(`UPDATE users SET job_title = 'changed' WHERE user_id = ?`, ID)
    return (await source.truth.user(ID)).version
  }
  return { ...source, keys, gate, process, filled, change, ...first }
}
const lease = (keys: ReturnType<typeof freshKeys>) => keys.of(ID).lease(ID)

for (const partitions of PARTITION_COUNTS) {
  test(`a thousand misses of one user are one read, and nothing waits for it afterwards (of ${partitions})`, async (t) => {
    const { views, gate, filled, keys } = await start(t, partitions)
    const answers = await Promise.all(Array.from({ length: READERS }, () => views.byId(ID)))
    assert.ok(answers.every(({ userId, version, bodies }) => userId === ID && version === 5 && bodies !== null))
    assert.deepEqual(gate.reads, [[ID]])
    await filled()
    assert.equal((await views.byId(ID)).from, 'redis')
    assert.equal(await raw.exists(lease(keys)), 0)
  })

  test(`misses of two processes at once are one read (of ${partitions})`, async (t) => {
    const { views, gate, process, keys } = await start(t, partitions)
    const second = await process()
    const gateHeld = hold(gate)
    const first = views.byId(ID)
    await gateHeld.reached(1)
    assert.equal(await raw.exists(lease(keys)), 1)
    const others = Array.from({ length: READERS }, () => second.views.byId(ID))
    gateHeld.open()
    assert.equal((await first).from, 'database')
    for (const { from, version } of await Promise.all(others)) assert.deepEqual([from, version], ['redis', 5])
    assert.deepEqual(gate.reads, [[ID]])
  })
}

test('a reader who died with the lease holds up the others for the wait only, and the next lease fills', async (t) => {
  const { views, gate, keys, filled } = await start(t)
  await raw.set(lease(keys), 'somebody who is gone', 'PX', 60_000)
  const startedAt = performance.now()
  const answers = await Promise.all(Array.from({ length: READERS }, () => views.byId(ID)))
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs < WAIT_MS + MARGIN_MS, `took ${tookMs} ms`)
  assert.ok(answers.every(({ from, version }) => from === 'database' && version === 5))
  assert.deepEqual(gate.reads, [[ID]])
  assert.equal(await raw.exists(keys.user(ID)), 0, 'who has no lease does not fill')
  await raw.pexpire(lease(keys), 1)
  await until('the lease has ended', async () => (await raw.exists(lease(keys))) === 0)
  await views.byId(ID)
  await filled()
})

test('what is there already, and too old, is not taken for another’s fill', async (t) => {
  const { views, projector, keys, change } = await start(t)
  await projector.projectUsers([ID])
  const version = await change()
  await raw.set(lease(keys), 'somebody who is slow', 'PX', 60_000)
  assert.equal((await views.byId(ID, version)).version, version)
})

test('whoever knows of a fence does not get what was read before it, and all who know read once more together', async (t) => {
  const { views, users, gate, change, filled } = await start(t)
  const held = hold(gate)
  const early = views.byId(ID)
  await held.reached(1)
  const version = await change()
  assert.equal(await users.fence(ID, version), true)
  const scripts = await callsOf(raw, 'evalsha')
  const late = Array.from({ length: READERS }, () => views.byId(ID))
  await held.reached(2)
  held.open()
  assert.equal((await early).version, 5, 'who asked before the commit may get what was then')
  for (const found of await Promise.all(late)) assert.equal(found.version, version)
  assert.equal(gate.reads.length, 2)
  assert.ok((await callsOf(raw, 'evalsha')) - scripts < 10, 'one of them asks for a lease')
  await filled()
  assert.equal((await users.read(ID))?.version, version)
})

test('nobody gets what another began to read before they asked, though the fence that would tell is gone', async (t) => {
  const { views, users, gate, keys, change } = await start(t)
  const held = hold(gate)
  const early = views.byId(ID)
  await held.reached(1)
  const version = await change()
  await users.fence(ID, version)
  await raw.del(keys.user(ID))
  const late = views.byId(ID)
  await held.reached(2)
  held.open()
  assert.equal((await early).version, 5)
  assert.equal((await late).version, version)
})

test('a reader who knows of a newer version takes all of their flight along to it', async (t) => {
  const { views, users, projector, gate, keys, change } = await start(t)
  await projector.projectUsers([ID])
  const version = await change()
  // Their entry is gone, and another has the lease: what that one puts in its place is too old for one of the two.
  await raw.set(lease(keys), 'somebody who is slow', 'PX', 60_000)
  const old = await raw.hgetallBuffer(keys.user(ID))
  await raw.del(keys.user(ID))
  const answers = Promise.all([views.byId(ID), views.byId(ID, version)])
  // Travels with their read: when it is answered, both have missed.
  await users.read(ID)
  await raw.hset(keys.user(ID), old)
  for (const answer of await answers) assert.equal(answer.version, version)
  assert.deepEqual(gate.reads.slice(1), [[ID]])
})

test('a fill that comes after a fence is refused, whatever it read', async (t) => {
  const { views, users, gate, keys, change, filled } = await start(t)
  const held = hold(gate)
  const early = views.byId(ID)
  await held.reached(1)
  const version = await change()
  await users.fence(ID, version)
  held.open()
  await early
  // What the reader sent is answered before what is asked after it.
  await users.read(ID)
  await users.read(ID)
  assert.deepEqual(await users.read(ID), { version, bodies: null })
  assert.equal(await raw.exists(lease(keys)), 0)
  assert.equal((await views.byId(ID)).version, version)
  await filled()
})

test('a fill that comes after a fence is refused even when the fence is gone: its lease went first', async (t) => {
  const { views, users, gate, keys, change } = await start(t)
  const held = hold(gate)
  const early = views.byId(ID)
  await held.reached(1)
  await users.fence(ID, await change())
  await raw.del(keys.user(ID))
  held.open()
  await early
  // What the reader sent is answered before what is asked after it.
  for (let round = 0; round < 3; round += 1) await users.read(ID)
  assert.equal(await raw.exists(keys.user(ID)), 0)
})

test('a flight that took off before Redis was emptied is joined by nobody after it', async (t) => {
  const { views, users, gate, keys, client, change } = await start(t)
  const held = hold(gate)
  const early = views.byId(ID)
  await held.reached(1)
  const version = await change()
  await users.fence(ID, version)
  // Emptied, and begun again: the fence went with it.
  const begun = `y${client.incarnation(keys.home.inc)?.slice(1)}`
  await raw.del(...(await raw.keys(`${keys.home.base}*`)))
  await raw.set(keys.home.inc, begun)
  assert.equal(await client.refreshIncarnation(keys.home.inc), begun)
  const late = views.byId(ID)
  await held.reached(2)
  held.open()
  assert.equal((await early).version, 5)
  assert.equal((await late).version, version)
})

test('a fence of what the truth does not hold is answered with what there is, at the cost of one read', async (t) => {
  const { views, users, gate, keys } = await start(t)
  await users.fence(ID, 999)
  const startedAt = performance.now()
  const found = await views.byId(ID)
  assert.deepEqual([found.version, found.from], [5, 'database'])
  assert.equal(gate.reads.length, 1)
  assert.ok(performance.now() - startedAt < WAIT_MS + MARGIN_MS)
  assert.deepEqual({ ...(await raw.hgetall(keys.user(ID))) }, { v: '999' })
  await until('nobody holds the lease', async () => (await raw.exists(lease(keys))) === 0)
})

test('when the database refuses, everybody who waits is told, and the next reader asks again', async (t) => {
  const { views, gate } = await start(t)
  gate.pass = async () => {
    throw new DomainError('database-unavailable', 'gone')
  }
  const refused = await Promise.allSettled(Array.from({ length: 10 }, () => views.byId(ID)))
  assert.ok(refused.every(({ status }) => status === 'rejected'))
  gate.pass = async () => undefined
  assert.equal((await views.byId(ID)).version, 5)
})
