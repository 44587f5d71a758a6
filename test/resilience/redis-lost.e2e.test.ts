import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LocalRedis, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { ask } from '../../src/adapters/redis/one-question.ts'
import { redisBinary } from '../support/redis.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { isCopy, people, settled, storm } from './storm.ts'

const SEED = 20_261_124
const PEOPLE = 60
const FLUSHES = 5

test(`emptying Redis under load gives no error and no old answer (seed ${SEED})`, async (t) => {
  const service = await startService()
  t.after(service.close)
  const userIds = await people(service, PEOPLE)
  await storm(service, userIds, SEED, async ({ answers, readFrom }) => {
    for (let flushes = 0; flushes < FLUSHES; flushes += 1) {
      await answers(300)
      await service.redis.flush()
      const before = readFrom.redis ?? 0
      await until('reads come from Redis again', async () => (readFrom.redis ?? 0) > before + 100)
    }
  })
})

test(`a Redis that is killed, away, and comes back empty costs no answer (seed ${SEED})`, async (t) => {
  const { service, kill, start } = await serviceOverOwnRedis(t, { persist: false })
  const userIds = await people(service, PEOPLE)
  await storm(service, userIds, SEED, async ({ answers, readFrom }) => {
    await answers(300)
    await kill()
    await until('the loss is noticed', async () => !(await ready(service)))
    await answers(300)
    await start()
    const before = readFrom.redis ?? 0
    await until('reads come from Redis again', async () => (readFrom.redis ?? 0) > before + 100)
  })
})

test('a Redis that comes back with an old snapshot answers nothing old', async (t) => {
  const { service, kill, start, port } = await serviceOverOwnRedis(t, { persist: true })
  const userIds = await people(service, PEOPLE)
  await settled(service, userIds)
  assert.match((await ask(port(), 'SAVE')) ?? '', /^\+OK/)
  for (const userId of userIds) await retitle(service, userId, 'after the snapshot')
  await kill()
  // What a foreign program changes while there is nobody to tell is old in the snapshot, too.
  for (const userId of userIds) await service.sql('UPDATE users SET phone = ? WHERE user_id = ?', '+1 2', userId)
  await start()
  await until('everybody comes from Redis', async () => {
    const answers = await Promise.all(userIds.map((userId) => service.app.inject(`/v1/users/${userId}`)))
    for (const answer of answers) {
      assert.equal(answer.statusCode, 200)
      assert.equal(answer.json().jobTitle, 'after the snapshot', `from ${answer.headers['read-from']}`)
      assert.equal(answer.json().phone, '+1 2', `from ${answer.headers['read-from']}`)
    }
    return answers.every((answer) => isCopy(answer.headers['read-from']))
  })
})

test('without Redis from the start, everything but searches is answered, and commands too', async (t) => {
  const { service, kill } = await serviceOverOwnRedis(t, { persist: false })
  const [userId = 0] = await people(service, 1)
  await kill()
  await until('the loss is noticed', async () => !(await ready(service)))
  const patched = await service.app.inject({
    method: 'PATCH',
    url: `/v1/users/${userId}`,
    payload: { jobTitle: 'Baker' },
  })
  assert.equal(patched.statusCode, 200)
  assert.equal(patched.headers.visibility, 'pending')
  const read = await service.app.inject(`/v1/users/${userId}`)
  assert.equal(read.headers['read-from'], 'database')
  assert.equal(read.json().jobTitle, 'Baker')
  assert.equal((await service.app.inject('/v1/users?limit=1')).statusCode, 200)
  const search = await service.app.inject('/v1/users?q=z')
  assert.equal(search.statusCode, 503)
  assert.ok(search.headers['retry-after'])
})

async function retitle(service: TestService, userId: number, jobTitle: string): Promise<void> {
  const answer = await service.app.inject({ method: 'PATCH', url: `/v1/users/${userId}`, payload: { jobTitle } })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers.visibility, undefined)
}

async function ready(service: TestService): Promise<boolean> {
  const answer = await service.app.inject('/health/ready')
  return answer.json().checks.redis.state === 'ok'
}

type Owner = { after(end: () => unknown): void }

/** A service over a Redis that can be killed, and started again on the same port with what it had saved. */
async function serviceOverOwnRedis(t: Owner, { persist }: { persist: boolean }) {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-lost-'))
  const binary = redisBinary()
  let server: LocalRedis = await startLocalRedis({ binary, dir, persist })
  const { port, url } = server
  const kill = async () => {
    process.kill(server.pid, 'SIGKILL')
    await until('the server is gone', async () => (await ask(port, 'PING').catch(() => undefined)) === undefined)
  }
  const start = async () => {
    server = await startLocalRedis({ binary, dir, persist, port })
  }
  t.after(async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  })
  const flush = async () => void (await ask(port, 'FLUSHALL'))
  const service = await startService({ redis: { url, port, pid: server.pid, flush, stop: async () => undefined } })
  t.after(service.close)
  return { service, kill, start, port: () => port }
}
