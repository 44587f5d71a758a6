import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { readModelKeys } from '../../src/projections/keys.ts'
import { lastFirst } from '../contract/rig.ts'
import { people } from '../resilience/storm.ts'
import { startService, type TestService, until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const LIMIT_MS = 60_000

async function stage(context: TestContext, environment: Record<string, string> = {}) {
  const t = lastFirst(context)
  const service = await startService({ environment: { AUDIT_RECHECK_AFTER_MS: '3000', ...environment } })
  t.after(service.close)
  const raw = new Redis(service.redis.url, { protocol: 2 })
  t.after(() => raw.disconnect())
  const [row] = await service.query('SELECT epoch FROM service_epoch')
  return { service, raw, keys: readModelKeys(String(row?.epoch)), userIds: await people(service, 20) }
}

async function run({ environment }: TestService, ...args: string[]) {
  const env = { ...environment, AUDIT_RECHECK_AFTER_MS: '3000' }
  const child = spawn(process.execPath, ['src/main.ts', ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, said }
}

const consistency = async ({ app }: TestService) => (await app.inject('/health/consistency')).json()

test('audits from the command line find, mend and tell; 1 says that something differed', {
  timeout: 180_000,
}, async (t) => {
  const { service, raw, keys, userIds } = await stage(t)
  const [first = 0, second = 0] = userIds
  await raw.hset(keys.user(first), 'b', '{"not":"this"}')
  const one = await run(service, 'audit', '--user', String(first))
  assert.deepEqual([one.code, /1 compared, 1 differed/.test(one.said)], [1, true], one.said)
  await raw.zadd(keys.home.branch('ZZZ'), second, second)
  const all = await run(service, 'audit', '--all')
  assert.deepEqual([all.code, /20 compared, 1 differed/.test(all.said)], [1, true], all.said)
  const sample = await run(service, 'audit')
  assert.deepEqual([sample.code, /compared, 0 differed, 0 were in flight/.test(sample.said)], [0, true], sample.said)
  const told = await run(service, 'consistency')
  assert.equal(told.code, 0)
  assert.match(told.said, /^state {12}measured\nnines {12}[\d.]+: of \d+ users drawn/)
  assert.match(told.said, /found {12}content: 1, mended 1\nfound {12}roster-extra: 1, mended 1/)
  const report = await consistency(service)
  assert.equal(report.found.content, 1)
  assert.equal(report.walk.checked, 20)
  const both = await run(service, 'audit', '--all', '--user', '1')
  assert.deepEqual([both.code, both.said], [1, 'Either --all or --user, not both.\n'])
})

test('a jobs worker audits by itself, and what it measures can be asked for', { timeout: 180_000 }, async (t) => {
  const { service, raw, keys, userIds } = await stage(t, {
    AUDIT_SAMPLE_EVERY_MS: '1000',
    AUDIT_WALK_EVERY_MS: '10000',
  })
  assert.equal((await consistency(service)).state, 'unmeasured')
  await service.startWorker(['jobs'])
  await until('it has measured', async () => (await consistency(service)).walk !== null, LIMIT_MS)
  const [victim = 0] = userIds
  await raw.hset(keys.user(victim), 'b', '{"not":"this"}')
  await until('it has found and mended that', async () => (await consistency(service)).mended.content === 1, LIMIT_MS)
  assert.equal((await service.app.inject(`/v1/users/${victim}`)).json().userId, victim)
  const { state, sample, staleness, oldestUnprojectedMs } = await consistency(service)
  assert.equal(state, 'measured')
  assert.ok(sample.differing >= 1 && sample.checked > sample.differing && sample.atLeast < sample.share)
  assert.ok(
    staleness.changes >= userIds.length && staleness.p50Ms <= staleness.p99Ms && staleness.p99Ms <= staleness.maxMs,
  )
  assert.ok(oldestUnprojectedMs < 30_000)
})

test('without Redis nothing is said of consistency', async (t) => {
  const { service } = await stage(t)
  process.kill(service.redis.pid, 'SIGSTOP')
  try {
    const answer = await service.app.inject('/health/consistency')
    assert.equal(answer.statusCode, 503)
    assert.deepEqual(answer.json(), { state: 'unknown', why: 'Redis, where it stands, is out of reach.' })
  } finally {
    process.kill(service.redis.pid, 'SIGCONT')
  }
})
