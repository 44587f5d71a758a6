import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type AuditRig, auditRig, SEED } from '../../../test/support/audit-rig.ts'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { CAUSES, type Cause } from '../../projections/consistency/causes.ts'
import { encodeTerms, nameMember, termsOf } from '../../projections/user/project.ts'
import { bareUserBody, userBody } from '../../wire/user.ts'
import type { WalkProgress } from './walk.ts'

const USERS = 20
const VICTIM = 14
const OTHER = 15

const { server } = await redisOfFile()

type Break = {
  what: string
  /** Breaks user VICTIM's copy by hand, behind everybody's back. */
  harm(rig: AuditRig): Promise<unknown>
  /** What is found, each once. */
  causes: Cause[]
  /** What only a walk through all that Redis holds can see. */
  walkOnly?: true
  /** Nothing but the operator mends it. */
  unmended?: true
  /** What is to be there afterwards, beside everything being in order. `broken`: the victim's version before the audit. */
  afterwards?(rig: AuditRig, broken: number): Promise<unknown>
}

const entry = ({ keys }: AuditRig, userId = VICTIM) => keys.user(userId)
const bodyOf = (rig: AuditRig, userId: number) => rig.raw.hget(entry(rig, userId), 'b').then(String)
const bareBodyOf = (rig: AuditRig, userId: number) => rig.raw.hget(entry(rig, userId), 'p').then(String)
const versionOf = async ({ truth }: AuditRig) => (await truth.user(VICTIM)).version
const movedOn = async (rig: AuditRig, broken: number) => {
  const { version, user } = await rig.truth.user(VICTIM)
  assert.ok(version > broken, 'the version has been moved on, so that other copies are made anew, too')
  assert.ok(user)
  assert.equal(await bodyOf(rig, VICTIM), JSON.stringify(userBody(user)))
  assert.equal(await bareBodyOf(rig, VICTIM), JSON.stringify(bareUserBody(user)))
  assert.equal(user.version, version)
}

let titles = 0
/** A title that nobody and nothing has had. */
const another = (): string => {
  titles += 1
  return `Another ${titles}`
}

const BREAKS: Break[] = [
  {
    what: 'an old body under a new version',
    harm: async (rig) => {
      const old = await bodyOf(rig, VICTIM)
      rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', another(), VICTIM)
      await rig.projector.projectUsers([VICTIM])
      await rig.raw.hset(entry(rig), 'b', old)
    },
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: "another user's body",
    harm: async (rig) => rig.raw.hset(entry(rig), 'b', await bodyOf(rig, OTHER)),
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'an old body for those who may not see what is personal',
    harm: async (rig) => {
      const old = await bareBodyOf(rig, VICTIM)
      rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', another(), VICTIM)
      await rig.projector.projectUsers([VICTIM])
      await rig.raw.hset(entry(rig), 'p', old)
    },
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'what is personal, in the body for those who may not see it',
    harm: async (rig) => rig.raw.hset(entry(rig), 'p', await bodyOf(rig, VICTIM)),
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'no body for those who may not see what is personal',
    harm: (rig) => rig.raw.hdel(entry(rig), 'p'),
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'no body but that for those who may not see what is personal',
    harm: (rig) => rig.raw.hdel(entry(rig), 'b'),
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'a tombstone to those only who may not see what is personal',
    harm: (rig) => rig.raw.hset(entry(rig), 'p', ''),
    causes: ['content'],
    afterwards: movedOn,
  },
  {
    what: 'an entry of an older version',
    harm: (rig) => {
      rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', another(), VICTIM)
      return Promise.resolve()
    },
    causes: ['behind'],
  },
  {
    what: 'an entry whose version is no number',
    harm: (rig) => rig.raw.hset(entry(rig), 'v', 'x'),
    causes: ['unreadable'],
  },
  { what: 'no entry at all', harm: (rig) => rig.raw.del(entry(rig)), causes: ['missing'] },
  {
    what: 'a tombstone of somebody who lives',
    harm: (rig) => rig.raw.hset(entry(rig), 'b', '', 'p', ''),
    causes: ['tombstone'],
    afterwards: movedOn,
  },
  {
    what: 'a user who is gone without a trace',
    harm: async (rig) => deleteSilently(rig, VICTIM),
    causes: ['undead', 'terms', 'ids-extra'],
    afterwards: async (rig) => {
      assert.deepEqual([await bodyOf(rig, VICTIM), await bareBodyOf(rig, VICTIM)], ['', ''])
      assert.equal(await rig.raw.zscore(rig.keys.of(VICTIM).ids, String(VICTIM)), null)
    },
  },
  {
    what: 'a user whom no trigger ever counted',
    harm: async (rig) => {
      rig.sql('DELETE FROM entity_versions WHERE entity_id = ?', String(VICTIM))
      await rig.raw.del(entry(rig))
    },
    causes: ['uncounted'],
  },
  {
    what: "somebody else's index terms",
    harm: async (rig) => rig.raw.hset(entry(rig), 't', String(await rig.raw.hget(entry(rig, OTHER), 't'))),
    causes: ['terms'],
    afterwards: movedOn,
  },
  { what: 'a user left dirty', harm: ({ raw, keys }) => raw.sadd(keys.of(VICTIM).dirty, VICTIM), causes: ['dirty'] },
  {
    what: 'a fence that nobody has projected',
    harm: async (rig) => {
      rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', another(), VICTIM)
      await rig.users.fence(VICTIM, await versionOf(rig))
    },
    causes: ['dirty'],
  },
  {
    what: 'an id missing in the list of all',
    harm: ({ raw, keys }) => raw.zrem(keys.of(VICTIM).ids, VICTIM),
    causes: ['ids-missing'],
  },
  {
    what: 'an id in the wrong place of the list of all',
    harm: ({ raw, keys }) => raw.zadd(keys.of(VICTIM).ids, 1e9, VICTIM),
    causes: ['ids-missing'],
  },
  {
    what: 'a missing name',
    harm: async (rig) => rig.raw.zrem(rig.keys.of(VICTIM).names, await trueName(rig)),
    causes: ['names-missing'],
  },
  {
    what: 'a missing roster entry',
    harm: async (rig) => rig.raw.zrem(rig.keys.of(VICTIM).branch(await aBranch(rig)), VICTIM),
    causes: ['roster-missing'],
  },
  {
    what: 'a username that leads to somebody else',
    harm: async (rig) => rig.raw.set(rig.keys.username((await rig.someUser(VICTIM)).user.username), OTHER),
    causes: ['hint'],
  },
  {
    what: 'a username that nobody has',
    harm: ({ raw, keys }) => raw.set(keys.username('nobody.at.all'), VICTIM),
    causes: ['hint'],
    walkOnly: true,
    afterwards: async ({ raw, keys }) => assert.equal(await raw.get(keys.username('nobody.at.all')), null),
  },
  {
    what: 'a roster entry too many',
    harm: ({ raw, keys }) => raw.zadd(keys.of(VICTIM).branch('ZZZ'), VICTIM, VICTIM),
    causes: ['roster-extra'],
    walkOnly: true,
    afterwards: async ({ raw, keys }) => assert.equal(await raw.exists(keys.of(VICTIM).branch('ZZZ')), 0),
  },
  {
    what: 'a name too many',
    harm: ({ raw, keys }) => raw.zadd(keys.of(VICTIM).names, 0, nameMember('a former name', VICTIM)),
    causes: ['names-extra'],
    walkOnly: true,
    afterwards: async ({ raw, keys }) =>
      assert.equal(await raw.zscore(keys.of(VICTIM).names, nameMember('a former name', VICTIM)), null),
  },
  {
    what: 'an id that never existed in the list of all',
    harm: ({ raw, keys }) => raw.zadd(keys.of(4_711).ids, 4_711, 4_711),
    causes: ['ids-extra'],
    walkOnly: true,
    afterwards: async ({ raw, keys }) => assert.equal(await raw.zscore(keys.of(4_711).ids, '4711'), null),
  },
  {
    what: 'a user who is gone without a trace, and in no list',
    harm: async (rig) => {
      deleteSilently(rig, VICTIM)
      await rig.raw.zrem(rig.keys.of(VICTIM).ids, VICTIM)
    },
    causes: ['undead', 'terms'],
    walkOnly: true,
    afterwards: async (rig) => assert.deepEqual([await bodyOf(rig, VICTIM), await bareBodyOf(rig, VICTIM)], ['', '']),
  },
  {
    what: 'an entry ahead of the database',
    harm: async (rig) => rig.raw.hset(entry(rig), 'v', (await versionOf(rig)) + 3),
    causes: ['ahead'],
    unmended: true,
    afterwards: async (rig) => {
      const partition = rig.keys.of(VICTIM)
      assert.equal(await rig.raw.get(partition.built), null, 'its lists are off')
      const others = rig.keys.partitions.filter((other) => other !== partition)
      for (const { built } of others) assert.notEqual(await rig.raw.get(built), null, 'the others go on')
      assert.deepEqual(await rig.guard.check(), [], 'nobody builds it again')
      assert.deepEqual((await rig.report()).ahead, [partition.index])
      assert.equal((await rig.report()).state, 'alarm')
    },
  },
  {
    what: 'a role catalogue of an older version',
    harm: async (rig) => rig.sql(`UPDATE roles SET title = ? WHERE role = 'cashier'`, another()),
    causes: ['roles-behind'],
  },
  {
    what: 'another role catalogue at the same version',
    harm: ({ raw, keys }) => raw.hset(keys.roles, 'b', '[]'),
    causes: ['roles-content'],
    afterwards: async ({ raw, keys, truth }) => {
      const { version, roles } = await truth.roles()
      assert.deepEqual(await raw.hgetall(keys.roles), { v: String(version), b: JSON.stringify(roles) })
    },
  },
  { what: 'no role catalogue', harm: ({ raw, keys }) => raw.del(keys.roles), causes: ['roles-missing'] },
  {
    what: 'a role catalogue ahead of the database',
    harm: ({ raw, keys }) => raw.hincrby(keys.roles, 'v', 5),
    causes: ['roles-ahead'],
    unmended: true,
    afterwards: async ({ raw, keys }) => assert.equal(await raw.get(keys.home.built), null),
  },
]

const ofRoles = ({ causes }: Break) => causes.some((cause) => cause.startsWith('roles-'))

/** Each test has users, keys and an incarnation to itself, and waits for the most part. */
const AT_A_TIME = { concurrency: 4 }

/** `of`: the breaks that it can see. */
type Audit = { name: string; audit(rig: AuditRig): Promise<unknown>; of(broken: Break): boolean }
const WALK: Audit = { name: 'a walk', audit: (rig) => rig.walk(), of: () => true }
const SAMPLE: Audit = {
  name: 'a sample',
  audit: (rig) => rig.audits.sample(),
  of: (broken) => !broken.walkOnly && !isGone(broken),
}
const LOOK: Audit = {
  name: 'looking at the user',
  audit: (rig) => rig.audits.users([VICTIM]),
  of: (broken) => !broken.walkOnly && !ofRoles(broken),
}
// Who is gone is not drawn.
const isGone = ({ causes }: Break) => causes.includes('undead')

for (const [partitions, audits] of [
  [1, [WALK, SAMPLE]],
  [7, [WALK, LOOK]],
] as const) {
  describe(`with ${partitions} partitions (seed ${SEED})`, AT_A_TIME, () => {
    const inOrder = rigsInOrder(partitions)
    for (const broken of BREAKS) {
      const seeing = audits.filter((audit) => audit.of(broken))
      test(`${seeing.map(({ name }) => name).join(', and ')} finds and mends ${broken.what}`, async () => {
        for (const { audit } of seeing) {
          const rig = await inOrder.take()
          await findsAndMends(rig, broken, audit)
          if (!broken.unmended && !isGone(broken)) inOrder.giveBack(rig)
        }
      })
    }
  })
}

/**
 * What has been mended, and seen to be in order by a whole walk, is as good as new, and may be broken once more. What has
 * not, as after a failure, is nobody's any more: no test depends on another.
 */
function rigsInOrder(partitions: number) {
  const free: AuditRig[] = []
  const ends: (() => unknown)[] = []
  after(async () => {
    for (const end of ends) await end()
  })
  const owner = { after: (end: () => unknown) => void ends.unshift(end) }
  return {
    take: async () => free.pop() ?? auditRig(owner, { redisUrl: server.url, users: USERS, partitions }),
    giveBack: (rig: AuditRig) => void free.push(rig),
  }
}

async function findsAndMends(rig: AuditRig, { harm, causes, unmended, afterwards }: Break, audit: Audit['audit']) {
  const before = await rig.report()
  await harm(rig)
  const version = await versionOf(rig)
  await audit(rig)
  const { found, mended } = await rig.report()
  assert.deepEqual(more(found, before.found), counts(Object.fromEntries(causes.map((cause) => [cause, 1]))))
  assert.deepEqual(more(mended, before.mended), unmended ? {} : more(found, before.found))
  await afterwards?.(rig, version)
  if (unmended) return
  await rig.walk()
  const again = await rig.report()
  assert.deepEqual(more(again.found, found), {}, 'nothing more is found')
  assert.equal(again.walk?.differing, 0)
}

const more = (all: Record<string, number>, before: Record<string, number>) =>
  counts(Object.fromEntries(Object.entries(all).map(([cause, count]) => [cause, count - (before[cause] ?? 0)])))
const counts = (all: Record<string, number>) => Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0))

function deleteSilently(rig: AuditRig, userId: number): void {
  rig.exec('DROP TRIGGER users_deleted')
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences']) {
    rig.exec(`DROP TRIGGER ${table}_deleted`)
    rig.sql(`DELETE FROM ${table} WHERE user_id = ?`, userId)
  }
  rig.sql('DELETE FROM users WHERE user_id = ?', userId)
}

async function trueName(rig: AuditRig): Promise<string> {
  const { user } = await rig.someUser(VICTIM)
  return nameMember(termsOf(user).name, VICTIM)
}

async function aBranch(rig: AuditRig): Promise<string> {
  const { user } = await rig.someUser(VICTIM)
  const [branchId] = termsOf(user).branches
  if (branchId === undefined) throw new Error(`user ${VICTIM} is in no roster: ${encodeTerms(termsOf(user))}`)
  return branchId
}

test('every cause has been planted', () => {
  assert.deepEqual([...new Set(BREAKS.flatMap(({ causes }) => causes))].sort(), [...CAUSES].sort())
})

test('a user is in order again: nothing is found, and nothing is written', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS })
  const before = rig.query('SELECT SUM(version) AS versions FROM entity_versions')
  assert.deepEqual(await rig.walk(), { checked: USERS, differing: 0, moving: 0 })
  const sampled = await rig.audits.sample()
  assert.ok(sampled.checked > 0 && sampled.differing === 0)
  assert.deepEqual(counts((await rig.report()).found), {})
  assert.deepEqual(rig.query('SELECT SUM(version) AS versions FROM entity_versions'), before)
})

test('what the feed has yet to handle is no finding', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS, audit: { lagMs: () => 60_000 } })
  rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Waits', VICTIM)
  const { differing, moving } = await rig.audits.users([VICTIM])
  assert.deepEqual({ differing, moving }, { differing: 0, moving: 1 })
})

test('a lost change is found by looking at recent ones again', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS })
  const { signal } = new AbortController()
  await rig.audits.recheck(signal)
  rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Lost', VICTIM)
  rig.sql('DELETE FROM entity_changes')
  const { differing } = await rig.audits.recheck(signal)
  assert.equal(differing, 1)
  assert.deepEqual(counts((await rig.report()).mended), { behind: 1 })
})

test('the alarm ends when a whole walk finds nothing ahead any more', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS })
  await rig.raw.hincrby(rig.keys.user(VICTIM), 'v', 1)
  await rig.walk()
  assert.equal((await rig.report()).state, 'alarm')
  await rig.walk()
  assert.equal((await rig.report()).state, 'alarm', 'it is still ahead')
  rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Caught', VICTIM)
  rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Caught up', VICTIM)
  await rig.projector.projectUsers([VICTIM])
  await rig.walk()
  assert.deepEqual((await rig.report()).ahead, [])
  assert.equal((await rig.guard.check()).length, 1, 'and it is built again')
})

test('while nothing is built, only wrong answers are differences', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS })
  await rig.raw.del(rig.keys.home.built)
  await rig.raw.del(rig.keys.user(OTHER))
  await rig.raw.zrem(rig.keys.home.ids, OTHER, VICTIM)
  await rig.raw.hset(rig.keys.user(VICTIM), 'b', '{}')
  await rig.walk()
  assert.deepEqual(counts((await rig.report()).found), { content: 1 })
})

test('a walk goes on after what was kept', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: 1_200 })
  const kept: WalkProgress[] = []
  const stop = new AbortController().signal
  const keep = async (progress: WalkProgress) => void kept.push(structuredClone(progress))
  await rig.audits.walk({ progress: null, keep, stop })
  assert.deepEqual(
    kept.map(({ phase, after }) => `${phase} ${after}`),
    ['users 500', 'users 1000', 'users 1200', 'indexes 1200'],
  )
  const [, second] = kept
  assert.ok(second)
  for (const userId of [1, 1_100]) await rig.raw.hset(rig.keys.user(userId), 'b', '{}')
  const { checked, differing } = await rig.audits.walk({ progress: second, keep, stop })
  assert.deepEqual([checked, differing], [1_200, 1])
  assert.equal(await rig.raw.hget(rig.keys.user(1), 'b'), '{}', 'it was not begun again')
})

test('a walk that is told to stop does so, and keeps what is done', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: 1_200 })
  const stopping = new AbortController()
  let last: WalkProgress | undefined
  const keep = async (progress: WalkProgress) => {
    last = structuredClone(progress)
    stopping.abort()
  }
  await assert.rejects(rig.audits.walk({ progress: null, keep, stop: stopping.signal }), { name: 'AbortError' })
  assert.equal(last?.after, 500)
})

test('a fence that another release has left is projected, and no difference', async (t) => {
  const rig = await auditRig(t, { redisUrl: server.url, users: USERS })
  await rig.raw.hset(rig.keys.schemas, '99', Math.round(Date.now() / 1_000))
  rig.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Fenced', VICTIM)
  await rig.users.fence(VICTIM, (await rig.truth.user(VICTIM)).version)
  assert.equal((await rig.audits.users([VICTIM])).differing, 0)
  assert.deepEqual(counts((await rig.report()).found), {})
  assert.match(String(await rig.raw.hget(rig.keys.user(VICTIM), 'b')), /Fenced/)
})
