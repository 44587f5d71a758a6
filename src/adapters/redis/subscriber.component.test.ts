import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connectClient, connectRaw, freshKeys } from '../../../test/support/read-models.ts'
import { redisBinary, startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { startLocalRedis } from './local-server.ts'
import { subscribe } from './subscriber.ts'

async function start(t: TestContext, url: string, channel: string) {
  let woken = 0
  const subscriber = subscribe(
    url,
    channel,
    () => {
      woken += 1
    },
    quiet,
  )
  t.after(() => subscriber.close())
  return { subscriber, woken: () => woken }
}

test('each message of its channel wakes, those of others do not, and a closed one sleeps', async (t) => {
  const server = await startTestRedis()
  t.after(() => server.stop())
  const keys = freshKeys()
  const { subscriber, woken } = await start(t, server.url, keys.changed)
  const client = await connectClient(t, server.url, keys)
  const raw = connectRaw(t, server.url)
  await until('it listens', async () => (await raw.publish(keys.changed, 'first')) === 1)
  await until('it is woken', async () => woken() === 1)
  await client.publish(`${keys.changed}.other`, '')
  await client.publish(keys.changed, '')
  await until('it is woken again', async () => woken() === 2)
  subscriber.close()
  await until('it is gone', async () => (await raw.publish(keys.changed, 'last')) === 0)
  assert.equal(woken(), 2)
})

test('it listens again after Redis was away, and may be started before Redis is', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-subscriber-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const gone = await startTestRedis()
  await gone.stop()
  const { woken } = await start(t, gone.url, 'channel')
  for (let round = 1; round <= 2; round += 1) {
    const server = await startLocalRedis({ binary: redisBinary(), dir, persist: false, port: gone.port })
    t.after(() => server.stop())
    const raw = connectRaw(t, server.url)
    await until('it listens', async () => (await raw.publish('channel', '')) === 1)
    await until('it is woken', async () => woken() === round)
    raw.disconnect()
    await server.stop()
  }
})
