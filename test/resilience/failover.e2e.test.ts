import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFront } from '../support/front.ts'
import { connectRaw } from '../support/read-models.ts'
import { startTestRedis } from '../support/redis.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { isCopy, people, settled } from './storm.ts'

const PEOPLE = 40

// Redis is disbelieved and everything replayed, a cool-down after a breaker's opening included: seconds on an idle
// machine, a multiple of that on a busy one.
const FAILOVER_LIMIT_MS = 60_000

type Owner = { after(end: () => unknown): void }

/** A service over one address, behind which are a master and its replica. */
async function serviceOverPair(t: Owner) {
  const [master, replica] = [await startTestRedis(), await startTestRedis()]
  t.after(() => Promise.all([master.stop(), replica.stop()]))
  const raw = connectRaw(t, replica.url)
  await raw.replicaof('127.0.0.1', String(master.port))
  await until('the replica follows', async () => (await raw.info('replication')).includes('master_link_status:up'))
  const front = await startFront(t, master.port)
  const url = `redis://127.0.0.1:${front.port}`
  const service = await startService({ redis: { ...master, url } })
  t.after(service.close)
  return { service, master, replica, raw, front }
}

/** Everybody is asked for until all come from Redis; each answer on the way must be right. */
async function untilAllFromRedis(service: TestService, userIds: number[], jobTitle: string, phone: string) {
  await until(
    'everybody comes from Redis',
    async () => {
      let others = 0
      // One after the other: a burst in one process, on a busy machine, would itself make Redis look slow.
      for (const userId of userIds) {
        const answer = await service.app.inject(`/v1/users/${userId}`)
        const shown = [answer.statusCode, answer.json().jobTitle, answer.json().phone]
        assert.deepEqual(shown, [200, jobTitle, phone], `from ${answer.headers['read-from']}`)
        if (!isCopy(answer.headers['read-from'])) others += 1
      }
      return others === 0
    },
    FAILOVER_LIMIT_MS,
  )
}

async function retitleAll(service: TestService, userIds: number[], jobTitle: string): Promise<void> {
  for (const userId of userIds) {
    const url = `/v1/users/${userId}`
    const answer = await service.app.inject({ method: 'PATCH', url, payload: { jobTitle } })
    assert.equal(answer.statusCode, 200)
  }
}

test('a failover to a replica that missed writes shows nothing old: it is disbelieved, and replayed', async (t) => {
  const { service, raw, replica, front } = await serviceOverPair(t)
  const userIds = await people(service, PEOPLE)
  await retitleAll(service, userIds, 'before')
  await settled(service, userIds)
  await until('the replica has it all', async () => (await raw.info('replication')).includes('master_link_status:up'))
  // From here on it misses everything, fences included.
  await raw.replicaof('NO', 'ONE')
  await retitleAll(service, userIds, 'missed')
  for (const userId of userIds) await service.sql(`UPDATE users SET phone = '+1 2' WHERE user_id = ?`, userId)
  front.switchTo(replica.port)
  await untilAllFromRedis(service, userIds, 'missed', '+1 2')
})

test('and when the old master comes back with what it had, nothing of that is shown either', async (t) => {
  const { service, raw, master, replica, front } = await serviceOverPair(t)
  const userIds = await people(service, PEOPLE)
  await retitleAll(service, userIds, 'on the master')
  await settled(service, userIds)
  await raw.replicaof('NO', 'ONE')
  front.switchTo(replica.port)
  for (const userId of userIds) await service.sql(`UPDATE users SET phone = '+1 2' WHERE user_id = ?`, userId)
  await retitleAll(service, userIds, 'on the replica')
  await untilAllFromRedis(service, userIds, 'on the replica', '+1 2')
  // Never told that it is a replica now: it has its own incarnation still, and its own run id.
  front.switchTo(master.port)
  await untilAllFromRedis(service, userIds, 'on the replica', '+1 2')
})
