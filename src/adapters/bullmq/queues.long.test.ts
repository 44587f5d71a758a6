import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { Redis } from 'ioredis'
import { startTestCluster, type TestCluster } from '../../../test/support/cluster.ts'
import { redisBinary, startTestRedis, type TestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import type { Job } from '../../ports/jobs.ts'
import { jobsConnections } from '../redis/jobs-connection.ts'
import { startLocalRedis } from '../redis/local-server.ts'
import { jobQueues } from './queues.ts'

type Data = { what: string }
type Progress = { after: number }
type Result = { done: string }
const OPTIONS = { attempts: 5, retryAfterMs: 10 }

let prefixes = 0
/** Two processes' view of one queue. */
function open(t: TestContext, url: string) {
  prefixes += 1
  const prefix = `{usrjobs}:t${prefixes}.1`
  const process = () => {
    const queues = jobQueues({ connections: jobsConnections(url, quiet), prefix, log: quiet })
    t.after(queues.close)
    return queues.queue<Data, Progress, Result>('rebuild', OPTIONS)
  }
  /** As an operator's `DEL` would. */
  const lose = async (id: string) => {
    const connection = jobsConnections(url, quiet).asking()
    t.after(() => connection.disconnect())
    await until('it is connected', async () => connection.status === 'ready')
    assert.equal(await connection.del(`${prefix}:rebuild:${id}`), 1)
  }
  return { one: process(), other: process(), lose }
}
type Queue = ReturnType<typeof open>['one']

function working(t: TestContext, queue: Queue, handle: (job: Job<Data, Progress>) => Promise<Result>) {
  const worker = queue.work(handle, 1)
  let stopped = false
  const stop = async () => {
    if (!stopped) await worker.stop()
    stopped = true
  }
  t.after(stop)
  return { stop }
}

const over = (queue: Queue, id: string) =>
  until(`job ${id} is over`, async () => {
    const state = await queue.find(id)
    return state?.state === 'done' || state?.state === 'failed' ? state : null
  })

function queueTests(url: () => string): void {
  test('a job is done once, by any process, and its result can be asked for', async (t) => {
    const { one, other } = open(t, url())
    const seen: string[] = []
    working(t, other, async ({ data }) => {
      seen.push(data.what)
      return { done: data.what }
    })
    const id = await one.add('key', { what: 'this' })
    assert.deepEqual(await over(one, id), { state: 'done', result: { done: 'this' } })
    assert.deepEqual(seen, ['this'])
  })

  test('while a job of a key waits or runs there is no second one; afterwards there may be', async (t) => {
    const { one, other } = open(t, url())
    const first = await one.add('key', { what: 'first' })
    assert.equal(await other.add('key', { what: 'again' }), first)
    assert.deepEqual(await one.find(first), { state: 'waiting', progress: null })
    assert.notEqual(await one.add('another', { what: 'another' }), first)
    const { promise: let_, resolve: go } = Promise.withResolvers<void>()
    working(t, one, async ({ data }) => {
      await let_
      return { done: data.what }
    })
    await until('it runs', async () => (await one.find(first))?.state === 'running')
    assert.equal(await other.add('key', { what: 'again' }), first)
    go()
    await over(one, first)
    const second = await other.add('key', { what: 'second' })
    assert.notEqual(second, first)
    assert.deepEqual(await over(one, second), { state: 'done', result: { done: 'second' } })
  })

  test('what rejects is tried again from what was kept, and fails at last', async (t) => {
    const { one } = open(t, url())
    const begunAfter: (number | null)[] = []
    working(t, one, async ({ progress, keep }) => {
      begunAfter.push(progress?.after ?? null)
      await keep({ after: (progress?.after ?? 0) + 10 })
      throw new Error('not today')
    })
    const state = await over(one, await one.add('key', { what: 'hard' }))
    assert.deepEqual(state, { state: 'failed', reason: 'not today' })
    assert.deepEqual(begunAfter, [null, 10, 20, 30, 40])
  })

  test('a worker that is stopped gives its job back, and another goes on', async (t) => {
    const { one, other } = open(t, url())
    const stopping = working(t, one, async ({ keep, stop }) => {
      await keep({ after: 7 })
      // Others may see what is kept, and stop us, before we are told that it is.
      stop.throwIfAborted()
      await new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason), { once: true }))
      throw new Error('never')
    })
    const id = await one.add('key', { what: 'long' })
    await until('it has begun', async () => {
      const state = await other.find(id)
      return state?.state === 'running' && state.progress?.after === 7
    })
    await stopping.stop()
    assert.deepEqual(await other.find(id), { state: 'waiting', progress: { after: 7 } })
    working(t, other, async ({ progress }) => ({ done: `from ${progress?.after}` }))
    assert.deepEqual(await over(other, id), { state: 'done', result: { done: 'from 7' } })
  })

  test('a worker that is stopped gives its job back also when the job never ends', async (t) => {
    const { one, other } = open(t, url())
    let begun = 0
    const stopping = working(t, one, () => {
      begun += 1
      return new Promise(() => undefined)
    })
    const id = await one.add('key', { what: 'waits for what never comes' })
    await until('it has begun', async () => begun === 1)
    await stopping.stop()
    assert.deepEqual(await other.find(id), { state: 'waiting', progress: null })
  })

  test('a key that is held by a job that is gone is taken from it', async (t) => {
    const { one, other, lose } = open(t, url())
    const lost = await one.add('key', { what: 'lost' })
    await lose(lost)
    const id = await other.add('key', { what: 'found' })
    assert.equal(await one.add('key', { what: 'again' }), id)
    working(t, one, async ({ data }) => ({ done: data.what }))
    assert.deepEqual(await over(one, id), { state: 'done', result: { done: 'found' } })
  })

  test('nobody knows a job that never was', async (t) => {
    assert.equal(await open(t, url()).one.find('4711'), null)
  })
}

describe('on one Redis', () => {
  let server: TestRedis
  before(async () => {
    server = await startTestRedis()
  })
  after(() => server?.stop())
  queueTests(() => server.url)

  test('without its Redis every call rejects soon, and works again when it is back', async (t) => {
    const own = await startTestRedis()
    t.after(own.stop)
    const { one } = open(t, own.url)
    await one.add('key', { what: 'before' })
    process.kill(own.pid, 'SIGSTOP')
    const startedAt = performance.now()
    await assert.rejects(one.add('other', { what: 'frozen' }))
    await assert.rejects(one.find('1'))
    assert.ok(performance.now() - startedAt < 8_000)
    process.kill(own.pid, 'SIGCONT')
    await until('it answers again', () => one.add('later', { what: 'after' }).catch(() => null))
  })

  test('a worker that is stopped without its Redis ends at once, and keeps no process alive', async (t) => {
    const own = await startTestRedis()
    t.after(own.stop)
    const { one } = open(t, own.url)
    const seen: string[] = []
    const worker = working(t, one, async ({ data }) => {
      seen.push(data.what)
      return { done: data.what }
    })
    await one.add('key', { what: 'before' })
    await until('it works', async () => seen.length === 1)
    await own.stop()
    await until('it is missed', () =>
      one.find('1').then(
        () => false,
        () => true,
      ),
    )
    await worker.stop()
  })

  test('a process that starts before its Redis uses it once it is there', async (t) => {
    const own = await startTestRedis()
    await own.stop()
    const { one } = open(t, own.url)
    await assert.rejects(one.add('key', { what: 'too early' }), /out of reach/)
    const dir = await mkdtemp(join(tmpdir(), 'users-service-jobs-'))
    t.after(() => rm(dir, { recursive: true, force: true }))
    const later = await startLocalRedis({ binary: redisBinary(), dir, port: own.port, persist: false })
    t.after(later.stop)
    await until('it answers', () => one.add('key', { what: 'in time' }).catch(() => null))
  })
})

describe('on a Redis Cluster', () => {
  let cluster: TestCluster
  before(async () => {
    cluster = await startTestCluster()
  })
  after(() => cluster?.stop())
  queueTests(() => cluster.url)
})

test('a connection that the library makes after the worker was stopped is ended: it would keep the process alive', async (t) => {
  const redis = await startTestRedis()
  t.after(redis.stop)
  const { asking, taking } = jobsConnections(redis.url, quiet)
  const connection = taking()
  const queues = jobQueues({
    connections: { asking, taking: () => connection },
    prefix: '{usrjobs}:late.1',
    log: quiet,
  })
  t.after(queues.close)
  await queues
    .queue<Data, Progress, Result>('rebuild', OPTIONS)
    .work(async () => ({ done: '' }), 1)
    .stop()
  const late = (connection as Redis).duplicate()
  t.after(() => late.disconnect())
  await until('it has ended', async () => late.status === 'end')
})
