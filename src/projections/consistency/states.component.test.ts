import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { type AuditRig, auditRig } from '../../../test/support/audit-rig.ts'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { project } from '../user/shown.ts'
import { readModelStates } from './states.ts'

const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

/** Active, and in a roster. */
const USER = 14

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
