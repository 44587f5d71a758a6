import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { redisBinary } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import { keepLocalRedis } from './kept-server.ts'
import { ask } from './one-question.ts'

const pidOf = async (port: number) => Number(/process_id:(\d+)/.exec((await ask(port, 'INFO server')) ?? '')?.[1])

test('a server that ends unasked is told of, and runs again on its port; one that is stopped stays stopped', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-kept-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const lines: string[] = []
  const log = {
    debug: () => undefined,
    info: (_: object, message: string) => void lines.push(message),
    warn: (_: object, message: string) => void lines.push(message),
    error: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  }
  const redis = await keepLocalRedis({ binary: redisBinary(), dir, persist: false }, log)
  t.after(() => redis.stop())
  for (let round = 1; round <= 2; round += 1) {
    const pid = await pidOf(redis.port)
    process.kill(pid, 'SIGKILL')
    await until('it runs again', async () => lines.length === 2 * round)
    assert.ok(![pid, Number.NaN].includes(await pidOf(redis.port)))
  }
  assert.equal(lines[0], 'the bundled Redis has ended; starting it again {"how":"SIGKILL"}')
  assert.equal(lines[1], 'the bundled Redis runs again')
  await redis.stop()
  assert.equal(await ask(redis.port, 'PING'), undefined)
  assert.equal(lines.length, 4, 'an end that was asked for is no event')
})
