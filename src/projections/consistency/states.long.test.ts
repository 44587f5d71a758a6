import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { type AuditRig, auditRig } from '../../../test/support/audit-rig.ts'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { project } from '../user/shown.ts'
import { readModelStates, type UserState } from './states.ts'

const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

/** Active, and in a roster. */
const USER = 14

type Harm = (rig: AuditRig, username: string) => Promise<unknown>
/** What is not in order, and all that is told of it. */
const HARMS: Record<string, [harm: Harm, told: (state: UserState) => Partial<UserState>]> = {
  'no entry': [
    ({ raw, keys }) => raw.del(keys.user(USER)),
    () => ({ version: null, digests: null, terms: '', dirty: false }),
  ],
  'a fence': [({ raw, keys }) => raw.hdel(keys.user(USER), 'b', 'p'), () => ({ digests: null })],
  'no full body': [
    ({ raw, keys }) => raw.hdel(keys.user(USER), 'b'),
    ({ digests }) => ({ digests: { full: '', bare: String(digests?.bare) } }),
  ],
  'no bare body': [
    ({ raw, keys }) => raw.hdel(keys.user(USER), 'p'),
    ({ digests }) => ({ digests: { full: String(digests?.full), bare: '' } }),
  ],
  'not among the ids': [({ raw, keys }) => raw.zrem(keys.of(USER).ids, USER), () => ({ inIds: false })],
  'no name': [({ raw, keys }) => raw.del(keys.of(USER).names), () => ({ inNames: false })],
  'not in the rosters': [
    async ({ raw, keys, truth }) => {
      const { user } = await truth.user(USER)
      for (const branchId of user?.branches ?? []) await raw.zrem(keys.of(USER).branch(branchId), USER)
    },
    () => ({ inRosters: false }),
  ],
  'fenced by an index': [({ raw, keys }) => raw.sadd(keys.of(USER).dirty, USER), () => ({ dirty: true })],
  'not built': [({ raw, keys }) => raw.set(keys.of(USER).built, 'another'), () => ({ built: false })],
  'a hint of another': [({ raw, keys }, username) => raw.set(keys.username(username), '7'), () => ({ hint: '7' })],
  'no hint': [({ raw, keys }, username) => raw.del(keys.username(username)), () => ({ hint: null })],
}

const { server } = await redisOfFile()

async function parts(rig: AuditRig) {
  const partition = rig.keys.of(USER)
  const incarnation = rig.redis.incarnation(partition.inc)
  assert.ok(incarnation)
  const [terms = ''] = await readModelStates(rig).termsOf([USER])
  const key = partition.branch('ZZZ')
  await rig.raw.zadd(key, USER, USER)
  return {
    partition,
    incarnation,
    terms,
    key,
    stray: { partition, incarnation, userId: USER, terms, key, member: String(USER) },
  }
}

for (const partitions of [1, 7]) {
  describe(`with ${partitions} partitions`, () => {
    test('who is in order is seen in order', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const found = await rig.truth.user(USER)
      const state = await readModelStates(rig).of(project(found))
      assert.ok(state)
      const { digests, terms, ...rest } = state
      const { full, bare } = project(found).bodies
      assert.deepEqual(digests, { full: sha1(full), bare: sha1(bare) })
      assert.equal(terms, String(await rig.raw.hget(rig.keys.user(USER), 't')))
      assert.deepEqual(rest, {
        ...{ incarnation: rig.redis.incarnation(rig.keys.of(USER).inc), built: true, version: found.version },
        ...{ inIds: true, inNames: true, inRosters: true, dirty: false, hint: String(USER) },
      })
    })

    for (const [what, [harm, told]] of Object.entries(HARMS)) {
      test(`who is not in order is seen so: ${what}`, async (t) => {
        const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
        const { of } = readModelStates(rig)
        const found = await rig.truth.user(USER)
        const sound = await of(project(found))
        assert.ok(sound)
        await harm(rig, String(found.user?.username))
        assert.deepEqual(await of(project(found)), { ...sound, ...told(sound) })
      })
    }

    test('of who is gone there is no hint to look for, and nothing to be listed in', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const state = await readModelStates(rig).of(project({ ...(await rig.truth.user(USER)), user: null }))
      assert.deepEqual([state?.hint, state?.inNames, state?.inRosters, state?.inIds], [null, false, true, true])
    })

    test('who is shown although the list of all has them not is told, and who is listed is not', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { unlisted } = readModelStates(rig)
      const partition = rig.keys.of(USER)
      const all = Array.from({ length: 20 }, (_, n) => n + 1).filter((id) => rig.keys.of(id) === partition)
      assert.deepEqual(await unlisted(partition, all), [])
      await rig.raw.zrem(partition.ids, USER)
      assert.deepEqual(await unlisted(partition, all), [USER])
    })

    test('terms are read as they are stored; of nobody there are none', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { termsOf, decode } = readModelStates(rig)
      const [terms = '', none] = await termsOf([USER, 4_000])
      assert.deepEqual(decode(terms), project(await rig.truth.user(USER)).terms)
      assert.equal(none, '')
    })

    test('of a Redis that has begun another incarnation nothing is said, and it is found out', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { inc } = rig.keys.of(USER)
      await rig.raw.set(inc, 'another')
      assert.equal(await readModelStates(rig).of(project(await rig.truth.user(USER))), null)
      assert.equal(rig.redis.incarnation(inc), null)
    })

    test('a member that does not belong is taken out, once', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { stray, key } = await parts(rig)
      const { withdraw } = readModelStates(rig)
      assert.equal(await withdraw(stray), true)
      assert.equal(await withdraw(stray), false)
      assert.equal(await rig.raw.exists(key), 0)
    })

    test('it stays when the user has moved in meanwhile, or Redis has begun another incarnation', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { stray, key } = await parts(rig)
      const { withdraw } = readModelStates(rig)
      assert.equal(await withdraw({ ...stray, incarnation: 'another' }), false)
      rig.sql('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', USER, 'ZZZ')
      await rig.projector.projectUsers([USER])
      assert.equal(await withdraw(stray), false)
      assert.equal(await rig.raw.zscore(key, String(USER)), String(USER))
    })

    test('a hint is released only while it leads where it was found to', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { releaseHint } = readModelStates(rig)
      const key = rig.keys.username('nobody')
      await rig.raw.set(key, '7')
      assert.equal(await releaseHint(key, '6'), false)
      assert.equal(await releaseHint(key, '7'), true)
      assert.equal(await rig.raw.exists(key), 0)
    })

    test('the alarm is raised once, under the present incarnation only, and turns lists off', async (t) => {
      const rig = await auditRig(t, { redisUrl: server.url, users: 20, partitions })
      const { raiseAlarm, endAlarm } = readModelStates(rig)
      const { partition, incarnation } = await parts(rig)
      assert.equal(await raiseAlarm(partition, 'another'), false)
      assert.equal(await rig.raw.get(partition.built), incarnation)
      assert.equal(await raiseAlarm(partition, incarnation), true)
      assert.equal(await raiseAlarm(partition, incarnation), false)
      assert.deepEqual(await rig.raw.mget(partition.built, partition.ahead), [null, incarnation])
      await rig.build()
      assert.equal(await rig.raw.get(partition.built), null, 'a build does not turn them on again')
      await endAlarm(partition)
      await rig.build()
      assert.equal(await rig.raw.get(partition.built), incarnation)
    })
  })
}
