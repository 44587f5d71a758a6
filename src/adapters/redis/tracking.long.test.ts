import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis, type RedisOptions } from 'ioredis'
import { redisOfFile } from '../../../test/support/read-models.ts'
import { redisBinary, startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { MAX_UNPROVED_MS } from '../../ports/invalidations.ts'
import { startLocalRedis } from './local-server.ts'
import { type Master, trackAll } from './tracking.ts'
import { BEAT_INTERVAL_MS } from './tracking-beats.ts'
import { trackOne } from './tracking-one.ts'
import { trackingPair } from './tracking-pair.ts'

/** What the event loop of a busy machine may add. */
const MARGIN_MS = 500
const INVALIDATIONS = 'near-invalidations'
const TRACKING = 'near-tracking'
/** More turns of the event loop than a pair takes to open. */
const TURNS_OF_OPENING = 60

const { server, raw } = await redisOfFile()

type Connecting = Omit<RedisOptions, 'replyMapping'>
/** As the service's own: fails at once while it is down. */
function connect(port: number, options: Connecting = {}): Redis {
  const redis = new Redis(port, '127.0.0.1', {
    protocol: 2,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
    lazyConnect: true,
    ...options,
  })
  redis.on('error', () => undefined)
  redis.connect().catch(() => undefined)
  return redis
}

let prefixes = 0
/** Keys that no other test uses. */
function freshPrefix(): string {
  prefixes += 1
  return `p${prefixes}:`
}

/** Reads of these servers are cached; what the cache is told stands in `told`, in order. */
async function startTracking(t: TestContext, ports: number[], { up = true, options = {} as Connecting } = {}) {
  const prefix = freshPrefix()
  const readers = ports.map((port) => connect(port, options))
  t.after(() => readers.map((reader) => reader.disconnect()))
  await until('readers', async () => readers.every(({ status }) => status === 'ready'))
  const masters: Master[] = readers.map((redis, i) => ({ redis, beatPrefix: `~${prefix}${i}:` }))
  const present = new Set(masters)
  const told: (string | null)[] = []
  const invalidations = trackAll({ masters: () => [...present], log: quiet })
  t.after(() => invalidations.stop())
  invalidations.start({
    prefixes: [prefix, `${prefix.replace(':', '')}roles`],
    onUp: () => told.push('up'),
    onDown: () => told.push('down'),
    onInvalidated: (key) => told.push(key),
  })
  const seen = (what: string | null, times = 1) =>
    until(`${what} ${times} times`, async () => told.filter((one) => one === what).length >= times)
  if (up) await seen('up')
  return { invalidations, prefix, readers, masters, present, told, seen }
}

const idsOf = async (admin: Redis, name: string) => {
  const list = String(await admin.client('LIST'))
  return [...list.matchAll(new RegExp(`^id=(\\d+) .*name=${name}`, 'gm'))].map((match) => String(match[1]))
}
const kill = async (admin: Redis, id: string) => void (await admin.client('KILL', 'ID', id))

/** A server of the test's own that may be silenced and ended. */
async function ownServer(t: TestContext) {
  const own = await startTestRedis()
  t.after(() => signal(own.pid, 'SIGCONT'))
  t.after(() => own.stop())
  const admin = connect(own.port)
  t.after(() => admin.disconnect())
  await until('admin', async () => admin.status === 'ready')
  return { ...own, admin }
}
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT') {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

test('it comes up, and tells of each change below its prefixes, and of no other', async (t) => {
  const { prefix, told, seen } = await startTracking(t, [server.port])
  const odd = `${prefix}a,b\n"ü"`
  await raw.set('other', 'x')
  await raw.set(odd, 'x')
  await raw.hset(`${prefix}hash`, 'f', 'v')
  await raw.set(`${prefix.replace(':', '')}roles`, 'x')
  await raw.del(odd)
  await raw.set('other', 'y')
  await raw.set(`${prefix}last`, 'x')
  await seen(`${prefix}last`)
  assert.deepEqual(told, ['up', odd, `${prefix}hash`, `${prefix.replace(':', '')}roles`, odd, `${prefix}last`])
})

test('changes that travel together are told one by one, and those of a script too', async (t) => {
  const { prefix, seen } = await startTracking(t, [server.port])
  const keys = Array.from({ length: 100 }, (_, i) => `${prefix}${i}`)
  await raw.mset(keys.flatMap((key) => [key, 'x']))
  await Promise.all(keys.map((key) => seen(key)))
  await raw.eval('return redis.call("SET", KEYS[1], "x")', 1, `${prefix}script`)
  await seen(`${prefix}script`)
})

test('an expired key is told of', async (t) => {
  const { prefix, seen } = await startTracking(t, [server.port])
  await raw.set(`${prefix}short`, 'x', 'PX', 30)
  await seen(`${prefix}short`, 2)
})

test('FLUSHALL and FLUSHDB are told as everything', async (t) => {
  const own = await ownServer(t)
  const { seen } = await startTracking(t, [own.port])
  await own.admin.flushall()
  await seen(null, 1)
  await own.admin.flushdb()
  await seen(null, 2)
})

test('whatever protocol and deadlines the readers’ connection has, it is told', async (t) => {
  const options: Connecting = { protocol: 3, socketTimeout: 300, enableAutoPipelining: true }
  const { prefix, seen } = await startTracking(t, [server.port], { options })
  await raw.set(`${prefix}key`, 'x')
  await seen(`${prefix}key`)
})

test('a server that wants a password is told it', async (t) => {
  const own = await ownServer(t)
  await own.admin.config('SET', 'requirepass', 'secret')
  const { prefix, seen } = await startTracking(t, [own.port], { options: { password: 'secret' } })
  await own.admin.set(`${prefix}key`, 'x')
  await seen(`${prefix}key`)
})

for (const name of [INVALIDATIONS, TRACKING]) {
  test(`${name} killed: down at once, and up again on a new pair that is told`, async (t) => {
    const own = await ownServer(t)
    const { prefix, seen, told, invalidations } = await startTracking(t, [own.port])
    const pair = async () =>
      new Map([
        [INVALIDATIONS, await idsOf(own.admin, INVALIDATIONS)],
        [TRACKING, await idsOf(own.admin, TRACKING)],
      ])
    const before = await pair()
    assert.deepEqual(
      [...before.values()].map(({ length }) => length),
      [1, 1],
    )
    const killedAt = performance.now()
    await kill(own.admin, before.get(name)?.[0] ?? '')
    await seen('down')
    assert.ok(performance.now() - killedAt < MARGIN_MS)
    await seen('up', 2)
    await own.admin.set(`${prefix}key`, 'x')
    await seen(`${prefix}key`)
    assert.deepEqual(told, ['up', 'down', 'up', `${prefix}key`])
    assert.ok(performance.now() - invalidations.provedAtMs() < MAX_UNPROVED_MS)
    const now = await until('one pair is left', async () => {
      const left = await pair()
      return [...left.values()].every(({ length }) => length === 1) && left
    })
    for (const one of [INVALIDATIONS, TRACKING]) assert.notDeepEqual(now.get(one), before.get(one))
  })
}

test('the readers’ connection killed: down at once, up again when there is another', async (t) => {
  const own = await ownServer(t)
  const { seen, told } = await startTracking(t, [own.port], { options: { connectionName: 'reader' } })
  await kill(own.admin, (await idsOf(own.admin, 'reader'))[0] ?? '')
  await seen('up', 2)
  assert.deepEqual(told, ['up', 'down', 'up'])
})

test('a frozen server: down within the limit, nothing proved meanwhile, up again when it goes on', async (t) => {
  const own = await ownServer(t)
  const { seen, invalidations, told } = await startTracking(t, [own.port])
  const frozenAt = performance.now()
  signal(own.pid, 'SIGSTOP')
  await seen('down')
  const tookMs = performance.now() - frozenAt
  assert.ok(tookMs < MAX_UNPROVED_MS + MARGIN_MS, `${tookMs} ms`)
  assert.equal(invalidations.provedAtMs(), Number.NEGATIVE_INFINITY)
  signal(own.pid, 'SIGCONT')
  await seen('up', 2)
  assert.deepEqual(told, ['up', 'down', 'up'])
})

for (const name of [INVALIDATIONS, TRACKING]) {
  test(`${name} lost without a word: down within the limit, though everything seems open`, async (t) => {
    const own = await ownServer(t)
    const proxy = await startTcpProxy(t, own.port)
    const { seen, invalidations } = await startTracking(t, [proxy.port])
    proxy.silence(new RegExp(name))
    const lostAt = performance.now()
    await kill(own.admin, (await idsOf(own.admin, name))[0] ?? '')
    await seen('down')
    const tookMs = performance.now() - lostAt
    assert.ok(tookMs < MAX_UNPROVED_MS + MARGIN_MS, `${tookMs} ms`)
    assert.equal(invalidations.provedAtMs(), Number.NEGATIVE_INFINITY)
    proxy.resume()
    await seen('up', 2)
  })
}

test('half a pair reports no error of its own, but says so when asked', async (t) => {
  const own = await ownServer(t)
  const proxy = await startTcpProxy(t, own.port)
  const ended: string[] = []
  const pair = trackingPair({
    options: { host: '127.0.0.1', port: proxy.port },
    prefixes: ['x:'],
    onKeys: () => undefined,
    onEnd: (reason) => ended.push(reason),
  })
  t.after(pair.close)
  await pair.open()
  await pair.check()
  proxy.silence(new RegExp(INVALIDATIONS))
  await kill(own.admin, (await idsOf(own.admin, INVALIDATIONS))[0] ?? '')
  // Only when something is to be told does the server itself notice.
  await own.admin.set('x:1', 'x')
  await until('it is noticed', () =>
    pair.check().then(
      () => false,
      () => true,
    ),
  )
  await assert.rejects(pair.check(), /tracking is broken_redirect/)
  assert.deepEqual(ended, [])
})

test('a server that restarts: down, and up again on the new one', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { seen, prefix, told } = await startTracking(t, [own.port])
  await own.stop()
  await seen('down')
  const dir = await mkdtemp(join(tmpdir(), 'users-service-tracking-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const again = await startLocalRedis({ binary: redisBinary(), dir, persist: false, port: own.port })
  t.after(() => again.stop())
  await seen('up', 2)
  const admin = connect(again.port)
  t.after(() => admin.disconnect())
  await until('admin', async () => admin.status === 'ready')
  await admin.set(`${prefix}key`, 'x')
  await seen(`${prefix}key`)
  assert.deepEqual(told, ['up', 'down', 'up', `${prefix}key`])
})

test('a master that becomes a replica: down, and off until it is a master again', async (t) => {
  const [own, other] = [await ownServer(t), await ownServer(t)]
  const { seen, told } = await startTracking(t, [own.port])
  await other.admin.config('SET', 'repl-diskless-sync-delay', '0')
  await own.admin.replicaof('127.0.0.1', other.port)
  await seen('down')
  await until('it has copied the other', async () => /master_link_status:up/.test(await own.admin.info('replication')))
  const [downAt, seenBeats] = [performance.now(), told.length]
  await until('longer than a pair takes to set up', async () => performance.now() - downAt > 2 * BEAT_INTERVAL_MS)
  assert.deepEqual(
    told.slice(seenBeats).filter((one) => one === 'up'),
    [],
  )
  await own.admin.replicaof('NO', 'ONE')
  await seen('up', 2)
})

test('never up where beats go to another server than the pair: reads would come from there', async (t) => {
  const other = await ownServer(t)
  const failures: string[] = []
  let up = 0
  const tracker = trackOne({
    options: { host: '127.0.0.1', port: server.port },
    prefixes: [freshPrefix()],
    beatPrefix: `~${freshPrefix()}`,
    write: (key, ttlMs) => other.admin.set(key, '', 'PX', ttlMs),
    onUp: () => {
      up += 1
    },
    onDown: () => undefined,
    onInvalidated: () => undefined,
    onFailure: (reason) => failures.push(reason),
  })
  t.after(tracker.stop)
  await until('it has failed', async () => failures.length > 0)
  assert.deepEqual([up, tracker.isUp(), failures[0]], [0, false, 'no beat for 750 ms'])
})

test('what is proved rises with each beat, and beats leave nothing behind', async (t) => {
  const own = await ownServer(t)
  const { invalidations, told } = await startTracking(t, [own.port])
  const first = invalidations.provedAtMs()
  await until('five more beats', async () => invalidations.provedAtMs() - first > 5 * BEAT_INTERVAL_MS)
  assert.ok(invalidations.provedAtMs() <= performance.now())
  const beats = await own.admin.keys('~*')
  assert.ok(beats.length > 3)
  for (const beat of beats) assert.ok((await own.admin.pttl(beat)) <= 2_000, 'it will be gone soon')
  assert.deepEqual(told, ['up'], 'beats themselves are nobody’s business')
})

test('other prefixes: down, then up with those alone', async (t) => {
  const { told, seen, prefix, invalidations } = await startTracking(t, [server.port])
  const other = freshPrefix()
  invalidations.watch([other])
  await seen('up', 2)
  await raw.set(`${prefix}key`, 'x')
  await raw.set(`${other}key`, 'x')
  await seen(`${other}key`)
  assert.deepEqual(told, ['up', 'down', 'up', `${other}key`])
})

test('prefixes of which one begins another are refused by the server, and it stays down', async (t) => {
  const failures: string[] = []
  const log = { ...quiet, debug: (fields: { reason: string }) => failures.push(fields.reason) }
  const invalidations = trackAll({ masters: () => [{ redis: raw, beatPrefix: '~overlap:' }], log: log as never })
  t.after(() => invalidations.stop())
  const on = () => assert.fail('up')
  invalidations.start({ prefixes: ['a:', 'a:b:'], onUp: on, onDown: on, onInvalidated: on })
  await until('it is refused', async () => failures.some((reason) => /overlap/.test(reason)))
})

test('stopped: nothing more is told, and no connection is left', async (t) => {
  const own = await ownServer(t)
  const { invalidations, told, seen, prefix } = await startTracking(t, [own.port])
  invalidations.stop()
  await own.admin.set(`${prefix}key`, 'x')
  for (const name of [INVALIDATIONS, TRACKING]) {
    await until('its connections are gone', async () => (await idsOf(own.admin, name)).length === 0)
  }
  await seen('down')
  assert.deepEqual(told, ['up', 'down'])
  assert.equal(invalidations.provedAtMs(), Number.NEGATIVE_INFINITY)
})

test('a pair that is closed while it opens, whenever that is, leaves no connection behind', async (t) => {
  const own = await ownServer(t)
  const options = { host: '127.0.0.1', port: own.port, protocol: 2 as const, lazyConnect: true }
  for (let turns = 0; turns < TURNS_OF_OPENING; turns += 1) {
    const pair = trackingPair({ options, prefixes: ['p:'], onKeys: () => undefined, onEnd: () => undefined })
    const opening = pair.open().catch(() => undefined)
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
    pair.close()
    await opening
  }
  await until('all are gone', async () => {
    const open = await Promise.all([INVALIDATIONS, TRACKING].map((name) => idsOf(own.admin, name)))
    return open.flat().length === 0
  })
})

test('two masters: up when both are, told by both, down with either', async (t) => {
  const [a, b] = [await ownServer(t), await ownServer(t)]
  const { invalidations, told, seen, prefix } = await startTracking(t, [a.port, b.port])
  await a.admin.set(`${prefix}a`, 'x')
  await b.admin.set(`${prefix}b`, 'x')
  await seen(`${prefix}a`)
  await seen(`${prefix}b`)
  signal(b.pid, 'SIGSTOP')
  await seen('down')
  assert.equal(invalidations.provedAtMs(), Number.NEGATIVE_INFINITY)
  await a.admin.set(`${prefix}a`, 'y')
  await seen(`${prefix}a`, 2)
  assert.equal(told.filter((one) => one === 'up').length, 1, 'one of two is not enough')
  signal(b.pid, 'SIGCONT')
  await seen('up', 2)
  await b.admin.set(`${prefix}b`, 'y')
  await seen(`${prefix}b`, 2)
})

for (const frozen of [0, 1]) {
  test(`what is proved by two masters is what the slower one has proved, be it number ${frozen + 1}`, async (t) => {
    const servers = [await ownServer(t), await ownServer(t)]
    const { invalidations, seen, told } = await startTracking(
      t,
      servers.map(({ port }) => port),
    )
    signal(servers[frozen]?.pid ?? 0, 'SIGSTOP')
    const frozenAt = performance.now()
    while (told.at(-1) === 'up') {
      assert.ok(invalidations.provedAtMs() <= frozenAt)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await seen('down')
  })
}

test('a master that joins: off until it tells; one that leaves: off for a moment, and not told of any more', async (t) => {
  const [a, b] = [await ownServer(t), await ownServer(t)]
  const { invalidations, told, seen, prefix, masters, present } = await startTracking(t, [a.port, b.port])
  const second = masters[1]
  assert.ok(second)
  present.delete(second)
  invalidations.mastersChanged()
  assert.deepEqual(told, ['up', 'down', 'up'], 'the other has been whole all the time')
  await b.admin.set(`${prefix}b`, 'x')
  for (const name of [INVALIDATIONS, TRACKING]) {
    await until('no pair with it is left', async () => (await idsOf(b.admin, name)).length === 0)
  }
  present.add(second)
  invalidations.mastersChanged()
  assert.equal(told.at(-1), 'down')
  await seen('up', 3)
  await b.admin.set(`${prefix}b`, 'x')
  await seen(`${prefix}b`)
  invalidations.mastersChanged()
  assert.equal(told.filter((one) => one === 'down').length, 2, 'the same masters change nothing')
  present.clear()
  invalidations.mastersChanged()
  assert.equal(told.at(-1), 'down')
  assert.equal(invalidations.provedAtMs(), Number.NEGATIVE_INFINITY)
})

test('a master that nothing can be proved with keeps everything off, until it can be or is gone', async (t) => {
  const { invalidations, told, seen, present } = await startTracking(t, [server.port])
  const joining = { redis: raw, beatPrefix: null }
  present.add(joining)
  invalidations.mastersChanged()
  assert.deepEqual(told, ['up', 'down'])
  const joinedAt = performance.now()
  await until('longer than a pair takes', async () => performance.now() - joinedAt > 2 * BEAT_INTERVAL_MS)
  assert.deepEqual([told.length, invalidations.provedAtMs()], [2, Number.NEGATIVE_INFINITY])
  present.delete(joining)
  present.add({ redis: raw, beatPrefix: `~${freshPrefix()}` })
  invalidations.mastersChanged()
  await seen('up', 2)
})
