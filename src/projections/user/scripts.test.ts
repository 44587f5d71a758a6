import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { connectRaw, freshKeys, stored } from '../../../test/support/read-models.ts'
import { startTestRedis, type TestRedis } from '../../../test/support/redis.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import { encodeTerms, nameMember, type Terms } from './project.ts'

// The scripts themselves, called as the store calls them, by tables of before → call → after. Their names say how many
// keys they take.
const APPLY = lua(import.meta.url, 'apply-n')
const FENCE = lua(import.meta.url, 'fence-4')
const READ = lua(import.meta.url, 'read-n')
const RELEASE = lua(new URL('../username/', import.meta.url).href, 'release-1')

let server: TestRedis
let raw: Redis
before(async () => {
  server = await startTestRedis()
  raw = new Redis(server.url, { protocol: 2 })
})
after(async () => {
  raw?.disconnect()
  await server?.stop()
})

const INC = 'now.run1'
const ID = 7
const terms = (name: string, ...branches: string[]): Terms => ({ username: 'ann', name, branches })
const KNOWN = terms('novak ann', 'B1', 'B2')
type Entry = { version?: number; body?: string; terms?: Terms | null }
type Call = { version: number; body: string; terms: Terms | null; held: Terms | null; inc?: string }

/** Puts an entry there as an earlier apply or fence would have left it, without either script. */
async function put(keys: Keys, { version, body, terms: held }: Entry, dirty = false) {
  await raw.set(keys.home.inc, INC)
  const fields = {
    ...(version === undefined ? {} : { v: String(version) }),
    ...(body === undefined ? {} : { b: body }),
    ...(held === undefined ? {} : { t: encodeTerms(held) }),
  }
  if (Object.keys(fields).length > 0) await raw.hset(keys.user(ID), fields)
  if (held) {
    for (const branchId of held.branches) await raw.zadd(keys.home.branch(branchId), ID, String(ID))
    await raw.zadd(keys.home.names, 0, nameMember(held.name, ID))
    await raw.zadd(keys.home.ids, ID, String(ID))
  }
  if (dirty) await raw.sadd(keys.home.dirty, String(ID))
}

function apply(keys: Keys, call: Call, redis: Redis = raw): Promise<unknown> {
  const joined = call.terms?.branches ?? []
  const left = (call.held?.branches ?? []).filter((branchId) => !joined.includes(branchId))
  const member = (of: Terms | null) => (of ? nameMember(of.name, ID) : '')
  const scriptKeys = [
    keys.user(ID),
    keys.home.inc,
    keys.home.names,
    keys.home.ids,
    keys.home.dirty,
    ...[...left, ...joined].map(keys.home.branch),
  ]
  return redis.eval(
    APPLY.source,
    scriptKeys.length,
    ...scriptKeys,
    call.inc ?? INC,
    ID,
    call.version,
    call.body,
    encodeTerms(call.terms),
    encodeTerms(call.held),
    member(call.held),
    member(call.terms),
    left.length,
  )
}
const fence = (keys: Keys, version: number) =>
  raw.eval(FENCE.source, 2, keys.user(ID), keys.home.dirty, ID, version) as Promise<number>

/** What `stored` shows of a user who is in place with these terms. */
function inPlace(version: number, body: string, { name, branches, username }: Terms) {
  const rosters = branches.map((branchId) => [`branch:${branchId}`, [String(ID)]])
  return {
    entries: { [ID]: { v: String(version), b: body, t: encodeTerms({ username, name, branches }) } },
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
    leaves: { entries: { [ID]: { v: '6', b: '', t: '' } }, sets: {} },
  },
  {
    what: 'a deleted user who was fenced leaves a tombstone and is no longer dirty',
    held: { version: 6, terms: KNOWN },
    dirty: true,
    call: { version: 6, body: '', terms: null, held: KNOWN },
    result: ['applied'],
    leaves: { entries: { [ID]: { v: '6', b: '', t: '' } }, sets: {} },
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

for (const { what, held, dirty, call, result, leaves } of APPLIES) {
  test(`apply: ${what}`, async () => {
    const keys = freshKeys()
    await put(keys, held, dirty)
    const before = await stored(raw, keys)
    assert.deepEqual(await apply(keys, call), result)
    assert.deepEqual(await stored(raw, keys), leaves === 'what was there' ? before : leaves)
  })
}

test('apply: the same version puts index entries right that were lost, and takes the user out of dirty', async () => {
  const keys = freshKeys()
  await put(keys, { version: 5, body: 'five', terms: KNOWN }, true)
  await raw.del(keys.home.names, keys.home.ids, keys.home.branch('B1'))
  await raw.zadd(keys.home.branch('B2'), 99, String(ID))
  assert.deepEqual(await apply(keys, { version: 5, body: 'five', terms: KNOWN, held: KNOWN }), ['applied'])
  assert.deepEqual(await stored(raw, keys), inPlace(5, 'five', KNOWN))
  assert.equal(await raw.zscore(keys.home.branch('B2'), String(ID)), String(ID))
})

test('apply: a Redis without an incarnation takes nothing', async () => {
  const keys = freshKeys()
  assert.deepEqual(await apply(keys, { version: 5, body: 'five', terms: KNOWN, held: null }), ['incarnation'])
  assert.deepEqual(await stored(raw, keys), { entries: {}, sets: {} })
})

test('apply: other users in the same indexes stay where they are', async () => {
  const keys = freshKeys()
  await put(keys, { version: 5, body: 'five', terms: KNOWN })
  for (const key of [keys.home.branch('B1'), keys.home.branch('B2'), keys.home.ids]) await raw.zadd(key, 8, '8')
  await raw.zadd(keys.home.names, 0, nameMember('novak ann', 8))
  await raw.sadd(keys.home.dirty, '8')
  await apply(keys, { version: 6, body: '', terms: null, held: KNOWN })
  const sets = { 'branch:B1': ['8'], 'branch:B2': ['8'], dirty: ['8'], ids: ['8'], names: [nameMember('novak ann', 8)] }
  assert.deepEqual((await stored(raw, keys)).sets, sets)
})

test('apply: bodies are bytes, whatever they are', async () => {
  const keys = freshKeys()
  await raw.set(keys.home.inc, INC)
  const body = Buffer.from([0, 255, 13, 10, 0, 240, 159, 145, 139])
  const scriptKeys = [keys.user(ID), keys.home.inc, keys.home.names, keys.home.ids, keys.home.dirty]
  await raw.eval(APPLY.source, 5, ...scriptKeys, INC, ID, 5, body, '[]', '', '', nameMember('x', ID), 0)
  assert.deepEqual(await raw.hgetBuffer(keys.user(ID), 'b'), body)
})

const FENCES: { what: string; held: Entry; version: number; result: number; entry: Record<string, string> }[] = [
  {
    what: 'a fence above what is stored drops the body and keeps the terms',
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
    entry: { v: '6', b: 'six', t: encodeTerms(KNOWN) },
  },
  {
    what: 'a fence below the stored version does nothing',
    held: { version: 10, body: 'ten', terms: KNOWN },
    version: 9,
    result: 0,
    entry: { v: '10', b: 'ten', t: encodeTerms(KNOWN) },
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
  test(`fence: ${what}`, async () => {
    const keys = freshKeys()
    await put(keys, held)
    const { sets } = await stored(raw, keys)
    assert.equal(await fence(keys, version), result)
    // The index entries stay: lists take a dirty user from the truth, and apply needs them to be taken out.
    const dirty = result === 1 ? { dirty: [String(ID)] } : {}
    assert.deepEqual(await stored(raw, keys), { entries: { [ID]: entry }, sets: { ...sets, ...dirty } })
  })
}

test('fence: a Redis at its memory limit is fenced all the same, while apply is refused', async (t) => {
  const small = await startTestRedis()
  t.after(() => small.stop())
  const full = connectRaw(t, small.url)
  const keys = freshKeys()
  await full.set(keys.home.inc, INC)
  await full.hset(keys.user(ID), { v: '5', b: 'five', t: encodeTerms(KNOWN) })
  await full.config('SET', 'maxmemory', '1')
  const applied = apply(keys, { version: 6, body: 'six', terms: MOVED, held: KNOWN }, full)
  await assert.rejects(applied, /OOM/)
  assert.equal(await full.hget(keys.user(ID), 'v'), '5')
  assert.equal(await full.eval(FENCE.source, 2, keys.user(ID), keys.home.dirty, ID, 6), 1)
  assert.deepEqual(await full.hgetall(keys.user(ID)), { v: '6', t: encodeTerms(KNOWN) })
})

test('read-n: version and body of each, flat and in order; nothing where there is none; no body where it is fenced', async () => {
  const keys = freshKeys()
  await raw.hset(keys.user(1), { v: '3', b: 'one', t: 'x' })
  await raw.hset(keys.user(3), { v: '9', t: 'x' })
  await raw.hset(keys.user(4), { v: '4', b: '', t: '' })
  const asked = [4, 2, 1, 3, 1].map(keys.user)
  const expected = ['4', '', null, null, '3', 'one', '9', null, '3', 'one']
  assert.deepEqual(await raw.eval(READ.source, asked.length, ...asked), expected)
  assert.deepEqual(await raw.call('EVAL_RO', READ.source, asked.length, ...asked), expected)
})

const RELEASES = [
  { what: 'the hint that names this user goes', hint: '7', userId: '7', result: 1, left: null },
  { what: 'the hint of the name’s next holder stays', hint: '8', userId: '7', result: 0, left: '8' },
  { what: 'an id that only begins alike is another one', hint: '71', userId: '7', result: 0, left: '71' },
  { what: 'no hint is nothing to do', hint: null, userId: '7', result: 0, left: null },
]
for (const { what, hint, userId, result, left } of RELEASES) {
  test(`release: ${what}`, async () => {
    const key = freshKeys().username('ann')
    if (hint !== null) await raw.set(key, hint)
    assert.equal(await raw.eval(RELEASE.source, 1, key, userId), result)
    assert.equal(await raw.get(key), left)
  })
}
