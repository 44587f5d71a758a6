import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { endWhenSilent } from './silence.ts'

const LIMIT_MS = 100
const { server } = await redisOfFile()

async function connect(t: { after(end: () => unknown): void }) {
  const client = new Redis(server.url, {
    protocol: 2,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  })
  const errors: string[] = []
  client.on('error', (error: Error) => void errors.push(error.message))
  endWhenSilent(client, LIMIT_MS)
  t.after(() => client.disconnect())
  await new Promise<void>((resolve) => client.once('ready', () => resolve()))
  return { client, errors }
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

test('a loop that was blocked for longer than the limit does not take that for silence', async (t) => {
  const { client, errors } = await connect(t)
  for (let round = 0; round < 5; round += 1) {
    const asked = client.ping()
    // The question leaves before the loop is blocked, the answer comes meanwhile.
    await new Promise((resolve) => setImmediate(resolve))
    block(3 * LIMIT_MS)
    assert.equal(await asked, 'PONG')
  }
  assert.deepEqual(errors, [])
})

test('a server that says nothing while an answer is due ends the connection, and the call, in time', async (t) => {
  const { client, errors } = await connect(t)
  process.kill(server.pid, 'SIGSTOP')
  t.after(() => process.kill(server.pid, 'SIGCONT'))
  const startedAt = performance.now()
  await assert.rejects(client.ping())
  assert.ok(performance.now() - startedAt >= LIMIT_MS)
  assert.deepEqual(errors, [`No answer for ${LIMIT_MS} ms.`])
})

test('a connection on which nothing is asked may be silent for ever', async (t) => {
  const { client, errors } = await connect(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, 5 * LIMIT_MS)
  await promise
  assert.equal(await client.ping(), 'PONG')
  assert.deepEqual(errors, [])
})
