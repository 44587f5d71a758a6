import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { wireApi } from '../../src/wiring.ts'
import { rebuildOnce } from '../../src/wiring-once.ts'
import { asking } from '../support/authorised.ts'
import { MASTER_NAME, type SentinelOptions, type SentinelSet, startSentinelSet } from '../support/sentinel.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { people, type Storm, settled, storm } from './storm.ts'

// The whole service over real Sentinels, which make a replica the master while everybody reads and writes: each answer is
// right all the time (storm.ts), and afterwards reads come from Redis, and out of the memory of the process, again.

const SEED = 20_261_130
const PEOPLE = 30
/** Failing over, disbelieving, replaying: seconds on an idle machine, a multiple of that on a busy one. */
const LIMIT_MS = 60_000

type Owner = { after(end: () => unknown): void }

async function startSet(t: Owner, options?: SentinelOptions): Promise<SentinelSet> {
  const set = await startSentinelSet(options)
  t.after(set.stop)
  return set
}

async function serviceOver(t: Owner, set: SentinelSet): Promise<TestService> {
  const service = await startService({ redis: set.redis })
  t.after(service.close)
  await service.startWorker(['jobs'])
  return service
}

async function readAgainFrom({ readFrom }: Storm): Promise<void> {
  for (const place of ['redis', 'near']) {
    const before = readFrom[place] ?? 0
    await until(`reads come from ${place} again`, async () => (readFrom[place] ?? 0) > before + 50, LIMIT_MS)
  }
}

async function jobsGoOn(service: TestService): Promise<void> {
  const following = { onProgress: () => undefined, stop: new AbortController().signal }
  const rebuilt = await rebuildOnce(service.config, quiet, following)
  assert.notEqual(rebuilt.outcome, 'left')
}

test(`a master that is killed costs no answer, and what it was told is not lost (seed ${SEED})`, async (t) => {
  const set = await startSet(t)
  const service = await serviceOver(t, set)
  const userIds = await people(service, PEOPLE)
  await storm(service, userIds, SEED, async (under) => {
    await under.answers(300)
    const killed = await set.master()
    killed.kill('SIGKILL')
    await set.otherThan(killed)
    await readAgainFrom(under)
    // It takes itself for the master again, until it is told otherwise; nobody else does.
    await set.restart(killed)
    await under.answers(300)
  })
  await jobsGoOn(service)
})

test(`a master that freezes, and goes on when there is another, shows nothing old (seed ${SEED})`, async (t) => {
  const set = await startSet(t)
  const service = await serviceOver(t, set)
  const userIds = await people(service, PEOPLE)
  await storm(service, userIds, SEED, async (under) => {
    await under.answers(300)
    const frozen = await set.master()
    frozen.kill('SIGSTOP')
    await set.otherThan(frozen)
    await readAgainFrom(under)
    // It takes itself for the master still.
    frozen.kill('SIGCONT')
    await under.answers(300)
  })
  await jobsGoOn(service)
})

test(`a failover that is asked for, with passwords, begun without one of the Sentinels (seed ${SEED})`, async (t) => {
  const set = await startSet(t, { passwords: { redis: 'r:d is@/?#', sentinel: 's+nt&nel=' } })
  const [away, asked] = set.sentinels
  assert.ok(away && asked)
  away.kill('SIGKILL')
  const service = await serviceOver(t, set)
  const userIds = await people(service, PEOPLE)
  await storm(service, userIds, SEED, async (under) => {
    await under.answers(300)
    const before = await set.master()
    assert.equal(await asked.raw.call('SENTINEL', 'FAILOVER', MASTER_NAME), 'OK')
    await set.otherThan(before)
    await readAgainFrom(under)
  })
  await jobsGoOn(service)
})

test('a process that is left alone with the old master, which goes on, asks the database until they meet again', async (t) => {
  const set = await startSet(t)
  const service = await serviceOver(t, set)
  const [userId = 0] = await people(service, 1)
  await settled(service, [userId])
  // It knows one Sentinel only, which hears of nothing any more, and the master lets no other Sentinel make it a replica.
  const [lost, asked] = set.sentinels
  assert.ok(lost && asked)
  const alone = await apiBeside(t, service, `redis-sentinel://127.0.0.1:${lost.port}/${MASTER_NAME}`)
  const seenAlone = async () => {
    const answer = await alone.inject(`/v1/users/${userId}`)
    return { from: answer.headers['read-from'], phone: answer.json().phone }
  }
  await until('it reads out of its memory', async () => (await seenAlone()).from === 'near')
  const before = await set.master()
  await before.raw.call('ACL', 'SETUSER', 'default', '-replicaof', '-slaveof')
  lost.kill('SIGSTOP')
  assert.equal(await asked.raw.call('SENTINEL', 'FAILOVER', MASTER_NAME), 'OK')
  await set.otherThan(before)
  await service.sql('UPDATE users SET phone = ? WHERE user_id = ?', '+1 2', userId)
  await settled(service, [userId])
  await until('it notices', async () => (await seenAlone()).from === 'database')
  await service.sql('UPDATE users SET phone = ? WHERE user_id = ?', '+1 3', userId)
  assert.deepEqual(await seenAlone(), { from: 'database', phone: '+1 3' })
  lost.kill('SIGCONT')
  await until('it reads from the new master', async () => (await seenAlone()).from === 'near', LIMIT_MS)
  assert.equal((await seenAlone()).phone, '+1 3')
})

/** Another API process's worth over the same database, that finds Redis by another URL. */
async function apiBeside(t: Owner, service: TestService, url: string) {
  const config = readConfig({ ...service.environment, REDIS_URL: url })
  const api = await wireApi(config, quiet)
  const app = asking(await buildApp({ ...api, http: config.http, log: quiet }), service.token)
  t.after(async () => {
    await app.close()
    await api.close()
  })
  return app
}
