import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import { startTestCluster } from '../../../test/support/cluster.ts'
import { connectRaw, freshKeys, PARTITION_COUNTS, stored } from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import { encodeTerms, nameMember, type Terms } from './project.ts'

// The scripts themselves, called as the store calls them, by tables of before → call → after. Their names say how many
// keys they take.
const APPLY = lua(import.meta.url, 'apply-n')
const FENCE = lua(import.meta.url, 'fence-4')
const READ = lua(import.meta.url, 'read-n')
const LEASE = lua(import.meta.url, 'lease-3')
const GHOST = lua(import.meta.url, 'ghost-4')
const RELEASE = lua(new URL('../username/', import.meta.url).href, 'release-1')

let raw: Redis | Cluster
/** `trouble` begins with each test and is over before the next. */
type Place = { raw: Redis | Cluster; trouble(): Promise<void>; stop(): Promise<unknown> }

async function onOneServer(): Promise<Place> {
  const server = await startTestRedis()
  const raw = new Redis(server.url, { protocol: 2 })
  return {
    raw,
    trouble: async () => undefined,
    async stop() {
      raw.disconnect()
      await server.stop()
    },
  }
}

/** During each test the slot that it is about moves to another master; during one of them that master dies. */
async function onCluster(): Promise<Place> {
  const cluster = await startTestCluster()
  const nodes = cluster.nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port }))
  const raw = new Cluster(nodes, { redisOptions: { protocol: 2 }, ...PATIENCE })
  const about = freshKeys(MANY_PARTITIONS).of(ID).inc
  let tests = 0
  return {
    raw,
    async trouble() {
      tests += 1
      if (tests !== DEADLY_TEST) return cluster.moveSlot(about)
      await cluster.killMaster(about)
      await cluster.agreed()
    },
    async stop() {
      raw.disconnect()
      await cluster.stop()
    },
  }
}
/** Far more than a failover takes. */
const PATIENCE = {
  maxRedirections: 500,
  retryDelayOnTryAgain: 5,
  retryDelayOnClusterDown: 50,
  retryDelayOnFailover: 50,
}
const MANY_PARTITIONS = 64
const DEADLY_TEST = 10

const INC = 'now.run1'
/** In no partition's way that is the first one of several. */
const ID = 9
/** Others in the same partition, whatever their number. */
const neighbour = (n: number) => ID + n * 7 * MANY_PARTITIONS
const terms = (name: string, ...branches: string[]): Terms => ({ username: 'ann', name, branches })
const KNOWN = terms('novak ann', 'B1', 'B2')
/** `bare`: the body without what is personal, where it is not the one that belongs to `body`; null: there is none. */
type Entry = { version?: number; body?: string; bare?: string | null; terms?: Terms | null }
type Call = { version: number; body: string; terms: Terms | null; held: Terms | null; inc?: string; lease?: string }

/** The body without what is personal that belongs to a body. */
const bareOf = (body: string) => (body === '' ? '' : `bare ${body}`)

/** Puts an entry there as an earlier apply or fence would have left it, without either script. */
async function put(keys: Keys, { version, body, bare, terms: held }: Entry, dirty = false) {
  await raw.set(keys.of(ID).inc, INC)
  const fields = {
    ...(version === undefined ? {} : { v: String(version) }),
    ...(body === undefined ? {} : { b: body }),
    ...(body === undefined || bare === null ? {} : { p: bareOf(body) }),
    ...(typeof bare === 'string' ? { p: bare } : {}),
    ...(held === undefined ? {} : { t: encodeTerms(held) }),
  }
  if (Object.keys(fields).length > 0) await raw.hset(keys.user(ID), fields)
  if (held) {
    for (const branchId of held.branches) await raw.zadd(keys.of(ID).branch(branchId), ID, String(ID))
    await raw.zadd(keys.of(ID).names, 0, nameMember(held.name, ID))
    await raw.zadd(keys.of(ID).ids, ID, String(ID))
  }
  if (dirty) await raw.sadd(keys.of(ID).dirty, String(ID))
}

function apply(keys: Keys, call: Call, redis: Redis | Cluster = raw): Promise<unknown> {
  const joined = call.terms?.branches ?? []
  const left = (call.held?.branches ?? []).filter((branchId) => !joined.includes(branchId))
  const member = (of: Terms | null) => (of ? nameMember(of.name, ID) : '')
  const scriptKeys = [...entryKeys(keys), ...[...left, ...joined].map(keys.of(ID).branch)]
  return redis.eval(
    APPLY.source,
    scriptKeys.length,
    ...scriptKeys,
    call.inc ?? INC,
    ID,
    call.version,
    call.body,
    bareOf(call.body),
    encodeTerms(call.terms),
    encodeTerms(call.held),
    member(call.held),
    member(call.terms),
    left.length,
    call.lease ?? '',
  )
}
function entryKeys(keys: Keys): string[] {
  const { user, inc, names, ids, dirty, lease, ghosts } = keys.of(ID)
  return [user(ID), inc, names, ids, dirty, lease(ID), ghosts]
}
function fence(keys: Keys, version: number, redis: Redis | Cluster = raw): Promise<unknown> {
  const { user, dirty, lease, ghosts } = keys.of(ID)
  return redis.eval(FENCE.source, 4, user(ID), dirty, lease(ID), ghosts, ID, version)
}

/** What `stored` shows of a user who is in place with these terms. */
function inPlace(version: number, body: string, { name, branches, username }: Terms) {
  const rosters = branches.map((branchId) => [`branch:${branchId}`, [String(ID)]])
  return {
    entries: { [ID]: { v: String(version), b: body, p: bareOf(body), t: encodeTerms({ username, name, branches }) } },
    sets: { ...Object.fromEntries(rosters), ids: [String(ID)], names: [nameMember(name, ID)] },
  }
}

const MOVED = terms('zielinska ann', 'B2', 'B3')
const APPLIES: {
  what: string
  held: Entry
  dirty?: boolean
  call: Call
  result: unknown[]
  leaves: Awaited<ReturnType<typeof stored>> | 'what was there'
}[] = [
  {
    what: 'a user who is not there yet is put into the entry and every index',
    held: {},
    call: { version: 5, body: 'five', terms: KNOWN, held: null },
    result: ['applied'],
    leaves: inPlace(5, 'five', KNOWN),
  },
  {
    what: 'version 0 is put where there is nothing',
    held: {},
    call: { version: 0, body: 'zero', terms: KNOWN, held: null },
    result: ['applied'],
    leaves: inPlace(0, 'zero', KNOWN),
  },
  {
    what: 'a newer version leaves the old roster and name, stays on the shared roster and joins the new one',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 6, body: 'six', terms: MOVED, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(6, 'six', MOVED),
  },
  {
    what: 'a newer version with the same terms keeps the indexes as they are',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 9, body: 'nine', terms: KNOWN, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(9, 'nine', KNOWN),
  },
  {
    what: 'a user without a branch is on no roster',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 6, body: 'six', terms: terms('novak ann'), held: KNOWN },
    result: ['applied'],
    leaves: inPlace(6, 'six', terms('novak ann')),
  },
  {
    what: 'an older version is ignored and told the newer one',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 4, body: 'four', terms: MOVED, held: KNOWN },
    result: ['older', '5'],
    leaves: 'what was there',
  },
  {
    what: 'versions are compared as numbers, not as text',
    held: { version: 10, body: 'ten', terms: KNOWN },
    call: { version: 9, body: 'nine', terms: MOVED, held: KNOWN },
    result: ['older', '10'],
    leaves: 'what was there',
  },
  {
    what: 'the same version keeps its body',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 5, body: 'other', terms: KNOWN, held: KNOWN },
    result: ['applied'],
    leaves: 'what was there',
  },
  {
    what: 'a version read under another incarnation is refused, however new',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 99, body: 'new', terms: MOVED, held: KNOWN, inc: 'before.run1' },
    result: ['incarnation'],
    leaves: 'what was there',
  },
  {
    what: 'terms that somebody has moved meanwhile ask for a retry and show what they are now',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 6, body: 'six', terms: MOVED, held: terms('novak ann', 'B9') },
    result: ['moved', encodeTerms(KNOWN)],
    leaves: 'what was there',
  },
  {
    what: 'terms that were expected where there are none ask for a retry',
    held: {},
    call: { version: 6, body: 'six', terms: MOVED, held: KNOWN },
    result: ['moved', ''],
    leaves: 'what was there',
  },
  {
    what: 'an older version is told so even when the terms have moved: it need not be tried again',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 4, body: 'four', terms: MOVED, held: null },
    result: ['older', '5'],
    leaves: 'what was there',
  },
  ...[
    { what: 'one body alone', bare: null },
    { what: 'one body beside one that says nobody', bare: '' },
    { what: 'one body that says nobody beside one that does not', body: '', bare: 'five' },
  ].map(({ what, ...bodies }) => ({
    what: `${what}, at the same version, is none, and is put right`,
    held: { version: 5, body: 'four', terms: KNOWN, ...bodies },
    call: { version: 5, body: 'five', terms: KNOWN, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(5, 'five', KNOWN),
  })),
  {
    what: 'the body without what is personal, alone, is none',
    held: { version: 5, bare: 'five', terms: KNOWN },
    call: { version: 5, body: 'five', terms: KNOWN, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(5, 'five', KNOWN),
  },
  {
    what: 'a fence at the same version gets its body, and the user is no longer dirty',
    held: { version: 6, terms: KNOWN },
    dirty: true,
    call: { version: 6, body: 'six', terms: MOVED, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(6, 'six', MOVED),
  },
  {
    what: 'a fence at an older version is lifted',
    held: { version: 6, terms: KNOWN },
    dirty: true,
    call: { version: 8, body: 'eight', terms: KNOWN, held: KNOWN },
    result: ['applied'],
    leaves: inPlace(8, 'eight', KNOWN),
  },
  {
    what: 'a fence at a newer version stands',
    held: { version: 6, terms: KNOWN },
    dirty: true,
    call: { version: 5, body: 'five', terms: KNOWN, held: KNOWN },
    result: ['older', '6'],
    leaves: 'what was there',
  },
  {
    what: 'the fence of a user never seen gets body and terms',
    held: { version: 5 },
    dirty: true,
    call: { version: 5, body: 'five', terms: KNOWN, held: null },
    result: ['applied'],
    leaves: inPlace(5, 'five', KNOWN),
  },
  {
    what: 'a deleted user leaves a tombstone and every index',
    held: { version: 5, body: 'five', terms: KNOWN },
    call: { version: 6, body: '', terms: null, held: KNOWN },
    result: ['applied'],
    leaves: { entries: { [ID]: { v: '6', b: '', p: '', t: '' } }, sets: {} },
  },
  {
    what: 'a deleted user who was fenced leaves a tombstone and is no longer dirty',
    held: { version: 6, terms: KNOWN },
    dirty: true,
    call: { version: 6, body: '', terms: null, held: KNOWN },
    result: ['applied'],
    leaves: { entries: { [ID]: { v: '6', b: '', p: '', t: '' } }, sets: {} },
  },
  {
    what: 'a late writer finds the tombstone and does not bring the user back',
    held: { version: 6, body: '', terms: null },
    call: { version: 5, body: 'five', terms: KNOWN, held: null },
    result: ['older', '6'],
    leaves: 'what was there',
  },
  {
    what: 'who is inserted again under the same id is newer than the tombstone',
    held: { version: 6, body: '', terms: null },
    call: { version: 7, body: 'seven', terms: MOVED, held: null },
    result: ['applied'],
    leaves: inPlace(7, 'seven', MOVED),
  },
]

const PLACES = [
  { where: 'on one server', counts: PARTITION_COUNTS, start: onOneServer },
  { where: 'on a cluster whose slots move and whose master dies', counts: [MANY_PARTITIONS], start: onCluster },
]
for (const { where, counts, start } of PLACES)
  describe(where, () => {
    let place: Place
    before(async () => {
      place = await start()
      raw = place.raw
    })
    after(() => place?.stop())
    let trouble: Promise<void>
    beforeEach(() => {
      trouble = place.trouble()
    })
    afterEach(() => trouble)

    for (const { what, held, dirty, call, result, leaves } of APPLIES) {
      for (const partitions of counts) {
        test(`apply (of ${partitions}): ${what}`, async () => {
          const keys = freshKeys(partitions)
          await put(keys, held, dirty)
          const before = await stored(raw, keys)
          assert.deepEqual(await apply(keys, call), result)
          assert.deepEqual(await stored(raw, keys), leaves === 'what was there' ? before : leaves)
        })
      }
    }

    test('apply: the same version puts index entries right that were lost, and takes the user out of dirty', async () => {
      const keys = freshKeys(counts[0])
      await put(keys, { version: 5, body: 'five', terms: KNOWN }, true)
      await raw.del(keys.of(ID).names, keys.of(ID).ids, keys.of(ID).branch('B1'))
      await raw.zadd(keys.of(ID).branch('B2'), 99, String(ID))
      assert.deepEqual(await apply(keys, { version: 5, body: 'five', terms: KNOWN, held: KNOWN }), ['applied'])
      assert.deepEqual(await stored(raw, keys), inPlace(5, 'five', KNOWN))
      assert.equal(await raw.zscore(keys.of(ID).branch('B2'), String(ID)), String(ID))
    })

    test('apply: a Redis without an incarnation takes nothing', async () => {
      const keys = freshKeys(counts[0])
      assert.deepEqual(await apply(keys, { version: 5, body: 'five', terms: KNOWN, held: null }), ['incarnation'])
      assert.deepEqual(await stored(raw, keys), { entries: {}, sets: {} })
    })

    test('apply: other users in the same indexes stay where they are', async () => {
      const keys = freshKeys(counts[0])
      await put(keys, { version: 5, body: 'five', terms: KNOWN })
      for (const key of [keys.of(ID).branch('B1'), keys.of(ID).branch('B2'), keys.of(ID).ids])
        await raw.zadd(key, 8, '8')
      await raw.zadd(keys.of(ID).names, 0, nameMember('novak ann', 8))
      await raw.sadd(keys.of(ID).dirty, '8')
      await apply(keys, { version: 6, body: '', terms: null, held: KNOWN })
      const sets = {
        'branch:B1': ['8'],
        'branch:B2': ['8'],
        dirty: ['8'],
        ids: ['8'],
        names: [nameMember('novak ann', 8)],
      }
      assert.deepEqual((await stored(raw, keys)).sets, sets)
    })

    test('apply: bodies are bytes, whatever they are', async () => {
      const keys = freshKeys(counts[0])
      await raw.set(keys.of(ID).inc, INC)
      const body = Buffer.from([0, 255, 13, 10, 0, 240, 159, 145, 139])
      const bare = Buffer.from([255, 0, 13, 10])
      const scriptKeys = entryKeys(keys)
      const args = [INC, ID, 5, body, bare, '[]', '', '', nameMember('x', ID), 0, '']
      await raw.eval(APPLY.source, scriptKeys.length, ...scriptKeys, ...args)
      assert.deepEqual(await raw.hgetBuffer(keys.user(ID), 'b'), body)
      assert.deepEqual(await raw.hgetBuffer(keys.user(ID), 'p'), bare)
    })

    const FENCES: { what: string; held: Entry; version: number; result: number; entry: Record<string, string> }[] = [
      {
        what: 'a fence above what is stored drops both bodies and keeps the terms',
        held: { version: 5, body: 'five', terms: KNOWN },
        version: 6,
        result: 1,
        entry: { v: '6', t: encodeTerms(KNOWN) },
      },
      {
        what: 'a fence at the stored version does nothing: that is what the command wrote',
        held: { version: 6, body: 'six', terms: KNOWN },
        version: 6,
        result: 0,
        entry: { v: '6', b: 'six', p: 'bare six', t: encodeTerms(KNOWN) },
      },
      {
        what: 'a fence below the stored version does nothing',
        held: { version: 10, body: 'ten', terms: KNOWN },
        version: 9,
        result: 0,
        entry: { v: '10', b: 'ten', p: 'bare ten', t: encodeTerms(KNOWN) },
      },
      {
        what: 'a fence before the first entry keeps older ones out',
        held: {},
        version: 5,
        result: 1,
        entry: { v: '5' },
      },
      {
        what: 'a fence repeated does nothing more',
        held: { version: 6, terms: KNOWN },
        version: 6,
        result: 0,
        entry: { v: '6', t: encodeTerms(KNOWN) },
      },
      {
        what: 'a higher fence raises a lower one',
        held: { version: 6, terms: KNOWN },
        version: 8,
        result: 1,
        entry: { v: '8', t: encodeTerms(KNOWN) },
      },
      {
        what: 'a fence above a tombstone asks for the truth again',
        held: { version: 6, body: '', terms: null },
        version: 7,
        result: 1,
        entry: { v: '7', t: '' },
      },
    ]

    for (const { what, held, version, result, entry } of FENCES) {
      for (const partitions of counts) {
        test(`fence (of ${partitions}): ${what}`, async () => {
          const keys = freshKeys(partitions)
          await put(keys, held)
          await raw.set(keys.of(ID).lease(ID), 'mine')
          const { sets } = await stored(raw, keys)
          assert.equal(await fence(keys, version), result)
          // The index entries stay: lists take a dirty user from the truth, and apply needs them to be taken out.
          const dirty = result === 1 ? { dirty: [String(ID)] } : {}
          assert.deepEqual(await stored(raw, keys), { entries: { [ID]: entry }, sets: { ...sets, ...dirty } })
          // Who reads the truth now may read it as it was before the commit, but only when the fence has news.
          assert.equal(await raw.get(keys.of(ID).lease(ID)), result === 1 ? null : 'mine')
        })
      }
    }

    test('fence: a Redis at its memory limit is fenced all the same, while apply is refused', async (t) => {
      const small = await startTestRedis()
      t.after(() => small.stop())
      const full = connectRaw(t, small.url)
      const keys = freshKeys(counts[0])
      await full.set(keys.of(ID).inc, INC)
      await full.hset(keys.user(ID), { v: '5', b: 'five', p: 'bare five', t: encodeTerms(KNOWN) })
      await full.config('SET', 'maxmemory', '1')
      const applied = apply(keys, { version: 6, body: 'six', terms: MOVED, held: KNOWN }, full)
      await assert.rejects(applied, /OOM/)
      assert.equal(await full.hget(keys.user(ID), 'v'), '5')
      assert.equal(await fence(keys, 6, full), 1)
      assert.deepEqual(await full.hgetall(keys.user(ID)), { v: '6', t: encodeTerms(KNOWN) })
    })

    test('read-n: inc, then version and bodies of each, flat and in order; nothing where there is none', async () => {
      const keys = freshKeys(counts[0])
      await raw.hset(keys.user(neighbour(1)), { v: '3', b: 'one', p: 'bare one', t: 'x' })
      await raw.hset(keys.user(neighbour(3)), { v: '9', t: 'x' })
      await raw.hset(keys.user(neighbour(4)), { v: '4', b: '', p: '', t: '' })
      await raw.hset(keys.user(neighbour(5)), { v: '5', b: 'five', t: 'x' })
      const asked = [keys.of(ID).inc, ...[4, 2, 1, 3, 5, 1].map((n) => keys.user(neighbour(n)))]
      for (const inc of [null, INC]) {
        if (inc !== null) await raw.set(keys.of(ID).inc, inc)
        const one = ['3', 'one', 'bare one']
        const expected = [inc, '4', '', '', null, null, null, ...one, '9', null, null, '5', 'five', null, ...one]
        assert.deepEqual(await raw.eval(READ.source, asked.length, ...asked), expected)
        assert.deepEqual(await raw.call('EVAL_RO', READ.source, asked.length, ...asked), expected)
      }
    })

    // Leases and ghosts.

    const MINE = 'mine'
    /** Far away: no test waits for it. */
    const LONG_MS = 60_000
    const SHORT_MS = 30
    const MANY_GHOSTS = 100

    const lease = (keys: Keys, wanted: string, atLeast = 0, forMs = LONG_MS, inc = INC) => {
      const { user, lease, inc: incKey } = keys.of(ID)
      return raw.eval(LEASE.source, 3, user(ID), lease(ID), incKey, inc, wanted, forMs, atLeast)
    }
    const ghost = (keys: Keys, { userId = ID, held = MINE, forMs = LONG_MS, atMost = MANY_GHOSTS, inc = INC } = {}) => {
      const { user, lease, inc: incKey, ghosts } = keys.of(userId)
      const scriptKeys = [user(userId), incKey, lease(userId), ghosts]
      return raw.eval(GHOST.source, 4, ...scriptKeys, inc, userId, held, forMs, atMost)
    }
    /** An id that never existed, as it is remembered. */
    async function putGhost(keys: Keys, userId = ID, forMs = LONG_MS) {
      const { inc, lease } = keys.of(userId)
      await raw.set(inc, INC)
      await raw.set(lease(userId), MINE)
      assert.equal(await ghost(keys, { userId, forMs }), 'applied')
    }
    const ghostsOf = (keys: Keys) => raw.zrange(keys.of(ID).ghosts, '0', '-1')
    const leaseOf = (keys: Keys) => raw.get(keys.of(ID).lease(ID))

    const LEASES: { what: string; held: Entry; atLeast?: number; taken?: string; inc?: string; result: unknown[] }[] = [
      { what: 'nothing there: it is given', held: {}, result: ['leased'] },
      { what: 'a fence: it is given', held: { version: 5, terms: KNOWN }, atLeast: 5, result: ['leased'] },
      { what: 'somebody else has it', held: {}, taken: 'other', result: ['taken'] },
      { what: 'filled meanwhile', held: { version: 5, body: 'five' }, result: ['held', '5', 'five', 'bare five'] },
      { what: 'one body alone: it is given', held: { version: 5, body: 'five', bare: null }, result: ['leased'] },
      { what: 'the other body alone: it is given', held: { version: 5, bare: 'five' }, result: ['leased'] },
      {
        what: 'one body beside one that says nobody: it is given',
        held: { version: 5, body: 'five', bare: '' },
        result: ['leased'],
      },
      {
        what: 'one body that says nobody beside one that does not: it is given',
        held: { version: 5, body: '', bare: 'five' },
        result: ['leased'],
      },
      {
        what: 'filled, and as new as is asked for',
        held: { version: 5, body: 'five' },
        atLeast: 5,
        result: ['held', '5', 'five', 'bare five'],
      },
      {
        what: 'filled, but not as new as is asked for',
        held: { version: 9, body: 'nine' },
        atLeast: 10,
        result: ['leased'],
      },
      {
        what: 'filled although somebody else has it',
        held: { version: 5, body: '' },
        taken: 'other',
        result: ['held', '5', '', ''],
      },
      {
        what: 'not as new, and somebody else has it',
        held: { version: 5, body: 'five' },
        atLeast: 6,
        taken: 'other',
        result: ['taken'],
      },
      { what: 'another incarnation', held: { version: 5, body: 'five' }, inc: 'before.run1', result: ['incarnation'] },
    ]
    for (const { what, held, atLeast, taken, inc, result } of LEASES) {
      for (const partitions of counts) {
        test(`lease (of ${partitions}): ${what}`, async () => {
          const keys = freshKeys(partitions)
          await put(keys, held)
          if (taken !== undefined) await raw.set(keys.of(ID).lease(ID), taken, 'PX', LONG_MS)
          const before = await stored(raw, keys)
          assert.deepEqual(await lease(keys, MINE, atLeast, LONG_MS, inc), result)
          assert.equal(await leaseOf(keys), result[0] === 'leased' ? MINE : (taken ?? null))
          assert.deepEqual(await stored(raw, keys), before)
        })
      }
    }

    test('lease: it ends by itself, and then the next one gets it', async () => {
      const keys = freshKeys(counts[0])
      await put(keys, {})
      assert.deepEqual(await lease(keys, 'died', 0, SHORT_MS), ['leased'])
      await until('the lease has ended', async () => ((await lease(keys, MINE)) as string[])[0] === 'leased')
      assert.ok((await raw.pttl(keys.of(ID).lease(ID))) > SHORT_MS)
    })

    test('lease: one without an end is nobody’s, whatever type it is of', async () => {
      const keys = freshKeys()
      await put(keys, {})
      await raw.set(keys.of(ID).lease(ID), 'for ever')
      assert.deepEqual(await lease(keys, MINE), ['leased'])
      await raw.del(keys.of(ID).lease(ID))
      await raw.rpush(keys.of(ID).lease(ID), 'for ever')
      assert.deepEqual(await lease(keys, MINE), ['leased'])
      assert.equal(await leaseOf(keys), MINE)
    })

    test('lease: a Redis without an incarnation gives none', async () => {
      const keys = freshKeys(counts[0])
      assert.deepEqual(await lease(keys, MINE), ['incarnation'])
      assert.equal(await leaseOf(keys), null)
    })

    const NEWER: Call = { version: 6, body: 'six', terms: MOVED, held: KNOWN }
    const FILLS: {
      what: string
      held?: Entry
      lease: string | null
      call: Call
      result: unknown[]
      left: string | null
    }[] = [
      {
        what: 'a reader with the lease fills, which ends it',
        lease: MINE,
        call: { ...NEWER, lease: MINE },
        result: ['applied'],
        left: null,
      },
      {
        what: 'a reader whose lease has ended does not',
        lease: null,
        call: { ...NEWER, lease: MINE },
        result: ['lease'],
        left: null,
      },
      {
        what: 'a reader whose lease is another’s by now does not',
        lease: 'other',
        call: { ...NEWER, lease: MINE },
        result: ['lease'],
        left: 'other',
      },
      {
        what: 'a worker needs none, and ends whosever it is',
        lease: 'other',
        call: NEWER,
        result: ['applied'],
        left: null,
      },
      {
        what: 'a worker who comes late leaves it alone',
        lease: 'other',
        call: { ...NEWER, version: 4 },
        result: ['older', '5'],
        left: 'other',
      },
      {
        what: 'a reader who comes late gives it up',
        lease: MINE,
        call: { ...NEWER, version: 4, lease: MINE },
        result: ['older', '5'],
        left: null,
      },
      {
        what: 'terms that moved are retried under the same one',
        lease: MINE,
        call: { ...NEWER, held: null, lease: MINE },
        result: ['moved', encodeTerms(KNOWN)],
        left: MINE,
      },
      {
        what: 'a lease of another incarnation is worth nothing',
        lease: MINE,
        call: { ...NEWER, inc: 'before.run1', lease: MINE },
        result: ['incarnation'],
        left: MINE,
      },
    ]
    for (const { what, lease: held, call, result, left } of FILLS) {
      for (const partitions of counts) {
        test(`fill (of ${partitions}): ${what}`, async () => {
          const keys = freshKeys(partitions)
          await put(keys, { version: 5, body: 'five', terms: KNOWN })
          if (held !== null) await raw.set(keys.of(ID).lease(ID), held)
          const before = await stored(raw, keys)
          assert.deepEqual(await apply(keys, call), result)
          assert.equal(await leaseOf(keys), left)
          assert.deepEqual(await stored(raw, keys), result[0] === 'applied' ? inPlace(6, 'six', MOVED) : before)
        })
      }
    }

    const GHOSTS: {
      what: string
      held?: Entry
      lease: string | null
      inc?: string
      atMost?: number
      result: string
      left: string | null
    }[] = [
      { what: 'an id that never existed is remembered', lease: MINE, result: 'applied', left: null },
      { what: 'without the lease it is not', lease: null, result: 'lease', left: null },
      { what: 'with another’s it is not', lease: 'other', result: 'lease', left: 'other' },
      {
        what: 'who has come to exist stays',
        held: { version: 5, body: 'five', terms: KNOWN },
        lease: MINE,
        result: 'older',
        left: null,
      },
      { what: 'who was fenced meanwhile stays so', held: { version: 5 }, lease: MINE, result: 'older', left: null },
      {
        what: 'what was read under another incarnation is refused',
        lease: MINE,
        inc: 'before.run1',
        result: 'incarnation',
        left: MINE,
      },
      { what: 'no more than the limit are remembered', lease: MINE, atMost: 0, result: 'full', left: null },
    ]
    for (const { what, held, lease: heldLease, inc, atMost, result, left } of GHOSTS) {
      for (const partitions of counts) {
        test(`ghost (of ${partitions}): ${what}`, async () => {
          const keys = freshKeys(partitions)
          await put(keys, held ?? {})
          if (heldLease !== null) await raw.set(keys.of(ID).lease(ID), heldLease)
          const before = await stored(raw, keys)
          const how = { ...(inc ? { inc } : {}), ...(atMost === undefined ? {} : { atMost }) }
          assert.equal(await ghost(keys, how), result)
          assert.equal(await leaseOf(keys), left)
          const remembered = { entries: { [ID]: { v: '0', b: '', p: '' } }, sets: {} }
          assert.deepEqual(await stored(raw, keys), result === 'applied' ? remembered : before)
          assert.deepEqual(await ghostsOf(keys), result === 'applied' ? [String(ID)] : [])
        })
      }
    }

    test('ghost: it is forgotten by itself, and makes room for the next', async () => {
      const keys = freshKeys(counts[0])
      await putGhost(keys, neighbour(1), SHORT_MS)
      await putGhost(keys, neighbour(2))
      const next = async (userId: number) => {
        await raw.set(keys.of(ID).lease(userId), MINE)
        return ghost(keys, { userId, atMost: 2 })
      }
      await until('the first is forgotten', async () => (await next(neighbour(3))) === 'applied')
      await until('so is its entry', async () => (await raw.exists(keys.user(neighbour(1)))) === 0)
      assert.equal(await next(neighbour(4)), 'full')
      assert.deepEqual(await ghostsOf(keys), [neighbour(2), neighbour(3)].map(String))
    })

    const BORN: { what: string; born(keys: Keys): Promise<unknown>; dirty: boolean }[] = [
      { what: 'by a worker', born: (keys) => apply(keys, { ...NEWER, held: null }), dirty: false },
      { what: 'by a command’s fence', born: (keys) => fence(keys, 6), dirty: true },
    ]
    for (const { what, born, dirty } of BORN) {
      test(`ghost: who comes to exist ${what} has no end, and is no ghost any more`, async () => {
        const keys = freshKeys(counts[0])
        await putGhost(keys)
        await putGhost(keys, neighbour(2))
        assert.ok((await raw.pttl(keys.user(ID))) > 0)
        await born(keys)
        assert.equal(await raw.pttl(keys.user(ID)), -1)
        assert.equal(await raw.hget(keys.user(ID), 'v'), '6')
        assert.deepEqual(await ghostsOf(keys), [String(neighbour(2))])
        assert.equal(await raw.sismember(keys.of(ID).dirty, String(ID)), Number(dirty))
        // The entry is there after the ghost's end.
        await putGhost(keys, neighbour(3), SHORT_MS)
        await until('a ghost made later has ended', async () => (await raw.exists(keys.user(neighbour(3)))) === 0)
        assert.equal(await raw.hget(keys.user(ID), 'v'), '6')
      })
    }

    test('a reader who read before the commit, in every order, cannot put the older version in', async () => {
      // The reader takes the lease and reads version 5; then the command commits version 6 and fences; then the fill comes.
      const keys = freshKeys(counts[0])
      await put(keys, {})
      await lease(keys, MINE)
      assert.equal(await fence(keys, 6), 1)
      const late: Call = { version: 5, body: 'five', terms: KNOWN, held: null, lease: MINE }
      assert.deepEqual(await apply(keys, late), ['lease'])
      // Not even when the fence is gone with a key that somebody deleted.
      await raw.del(keys.user(ID))
      assert.deepEqual(await apply(keys, late), ['lease'])
      assert.equal(await raw.exists(keys.user(ID)), 0)
    })

    const RELEASES = [
      { what: 'the hint that names this user goes', hint: '7', userId: '7', result: 1, left: null },
      { what: 'the hint of the name’s next holder stays', hint: '8', userId: '7', result: 0, left: '8' },
      { what: 'an id that only begins alike is another one', hint: '71', userId: '7', result: 0, left: '71' },
      { what: 'no hint is nothing to do', hint: null, userId: '7', result: 0, left: null },
    ]
    for (const { what, hint, userId, result, left } of RELEASES) {
      test(`release: ${what}`, async () => {
        const key = freshKeys(counts[0]).username('ann')
        if (hint !== null) await raw.set(key, hint)
        assert.equal(await raw.eval(RELEASE.source, 1, key, userId), result)
        assert.equal(await raw.get(key), left)
      })
    }
  })
