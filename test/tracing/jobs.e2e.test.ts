import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestRedis } from '../support/redis.ts'
import { AGENTS } from './told.ts'

const LIMIT_MS = 60_000

for (const [agent, start] of Object.entries(AGENTS)) {
  test(`with ${agent} a job goes on with the trace that it was asked for in, and nobody sees how`, async (t) => {
    const [redis, collector] = await Promise.all([startTestRedis(), start(t)])
    t.after(redis.stop)
    const env = { PATH: process.env.PATH ?? '', REDIS_URL: redis.url, ...collector.environment }
    const child = spawn(process.execPath, [join(import.meta.dirname, 'jobs-process.ts')], { env, timeout: LIMIT_MS })
    const said = { out: '', err: '' }
    child.stdout.on('data', (text) => {
      said.out += text
    })
    child.stderr.on('data', (text) => {
      said.err += text
    })
    const [code] = await once(child, 'close')
    assert.equal(code, 0, said.err)
    assert.match(said.out, /^given \{"n":1\}$/m)
    const of = (name: string) => collector.told().filter((one) => one.name === name)
    const traces = (name: string) => of(name).map(({ traceId }) => traceId)
    assert.deepEqual(new Set(traces('job/sum')), new Set([...traces('test/asks'), ...traces('test/asks in vain')]))
    assert.equal(new Set(traces('job/sum')).size, 2)
    const faults = of('job/sum').flatMap((one) => one.faults)
    assert.deepEqual(faults, [{ code: 'TypeError', expected: false }])
    assert.equal(collector.text().includes('a marked message'), false)
  })
}
