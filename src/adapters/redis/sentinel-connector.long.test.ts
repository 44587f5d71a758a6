import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MASTER_NAME, startSentinelSet } from '../../../test/support/sentinel.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { believed, masterWatch } from './sentinel-watch.ts'
import { connectTo } from './servers.ts'
import { subscribe } from './subscriber.ts'
import { trackAll } from './tracking.ts'

const a = { host: 'a', port: 1, epoch: 1 }
const b = { host: 'b', port: 1, epoch: 2 }
const c = { host: 'c', port: 1, epoch: 0 }

test('of what Sentinels say, the latest failover is believed, and none that was before what is known', () => {
  assert.equal(believed([], null, 3), null)
  assert.equal(believed([a, b, a], null, 3), b)
  assert.equal(believed([a, b], a, 3), b)
  assert.equal(believed([a], b, 3), null, 'who was cut off with the old master')
  assert.equal(believed([a, a], b, 4), null, 'half of them')
  assert.equal(believed([a, a], b, 3), a, 'more than half were set up anew')
  assert.equal(believed([c, c, c], b, 3), c)
})

test('of one failover, under two names, what is connected to stays', () => {
  const alias = { ...a, host: 'alias' }
  assert.equal(believed([alias, a], a, 2), a)
  assert.equal(believed([alias, alias], a, 2), alias)
})

test('every kind of connection follows the master, and leaves it when another one is', async (t) => {
  const set = await startSentinelSet()
  t.after(set.stop)
  const options = { protocol: 2 as const, maxRetriesPerRequest: 0, retryStrategy: () => 50 }
  const redis = connectTo(set.url, options)
  redis.on('error', () => undefined)
  let woken = 0
  const subscriber = subscribe(set.url, 'channel', () => (woken += 1), quiet)
  const told: string[] = []
  const tracking = trackAll({ masters: () => [{ redis, beatPrefix: '~beat:' }], log: quiet })
  tracking.start({
    prefixes: ['x'],
    onUp: () => told.push('up'),
    onDown: () => told.push('down'),
    onInvalidated: (key) => told.push(key ?? '*'),
  })
  t.after(() => {
    tracking.stop()
    subscriber.close()
    redis.disconnect()
  })
  const before = await set.master()
  await until('it is told', async () => told.at(-1) === 'up')
  assert.equal(await redis.set('x', '1'), 'OK')
  await until('it is told of a key', async () => told.includes('x'))
  // The old one goes on as a master for some seconds: nobody is there any more.
  assert.equal(await set.sentinels[0]?.raw.call('SENTINEL', 'FAILOVER', MASTER_NAME), 'OK')
  const after = await set.otherThan(before)
  await until('it is told by the new one', async () => told.at(-1) === 'up' && told.includes('down'), 20_000)
  assert.ok(told.indexOf('down') < told.lastIndexOf('up'))
  await until('whoever asks is there', async () =>
    (await redis.info('server').catch(() => '')).includes(`tcp_port:${after.port}\r`),
  )
  // Whoever was told once more by the old one, before that was made a replica, is told by the new one in the end.
  await until('it is told of a key there', async () => {
    await after.raw.set('x2', '1')
    return told.includes('x2')
  })
  await until('the subscriber is there', async () => (await after.raw.publish('channel', '')) === 1)
  await until('it is woken', async () => woken > 0)
  const ours = async () =>
    ((await before.raw.client('LIST')) as string).split('\n').filter((line) => / near-/.test(line))
  assert.deepEqual(await ours(), [])
})

test('a failover is followed while one of the replicas does not follow it yet', async (t) => {
  const set = await startSentinelSet({ replicas: 2 })
  t.after(set.stop)
  const [before, next, behind] = set.servers
  const leading = set.sentinels[0]
  assert.ok(before && next && behind && leading)
  const watch = masterWatch(set.url)
  t.after(watch.release)
  assert.equal((await watch.look()).master?.port, before.port)
  await behind.raw.config('SET', 'replica-priority', '0')
  await next.raw.call('ACL', 'SETUSER', 'default', '-psync', '-sync')
  assert.equal(await leading.raw.call('SENTINEL', 'FAILOVER', MASTER_NAME), 'OK')
  await until('who leads it tells of both', async () => {
    const about = (await leading.raw.call('SENTINEL', 'MASTER', MASTER_NAME)) as string[]
    const [, port] = (await leading.raw.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as string[]
    return Number(about[about.indexOf('port') + 1]) === before.port && Number(port) === next.port
  })
  assert.equal((await watch.look()).master?.port, next.port)
})

test('a name that no Sentinel knows is said plainly, and so is a password that is wrong', async (t) => {
  const set = await startSentinelSet({ replicas: 0, passwords: { redis: 'r', sentinel: 's' } })
  t.after(set.stop)
  for (const [from, to, said] of [
    [
      `/${MASTER_NAME}`,
      '/nobody',
      /^no Sentinel knows: 127\.0\.0\.1:\d+: this Sentinel watches no master called nobody;/,
    ],
    ['sentinelPassword=s', 'sentinelPassword=x', /^no Sentinel knows: 127\.0\.0\.1:\d+: WRONGPASS/],
  ] as const) {
    const reasons: string[] = []
    const redis = connectTo(set.url.replace(from, to), { protocol: 2, retryStrategy: () => 50 })
    redis.on('error', ({ message }) => reasons.push(message))
    await until('it is said', async () => reasons.some((reason) => said.test(reason)))
    redis.disconnect()
  }
})

test('a replica is not read from, though the Sentinels take it for the master still', async (t) => {
  const set = await startSentinelSet({ replicas: 0 })
  t.after(set.stop)
  const master = await set.master()
  await master.raw.replicaof('127.0.0.1', '1')
  const redis = connectTo(set.url, { protocol: 2, retryStrategy: () => 50 })
  const seen: string[] = []
  for (const event of ['ready', 'close'] as const) redis.on(event, () => seen.push(event))
  redis.on('error', () => undefined)
  t.after(() => redis.disconnect())
  await until('it was left three times', async () => seen.length >= 3)
  assert.ok(!seen.includes('ready'))
  await master.raw.replicaof('NO', 'ONE')
  await until('it is connected', async () => redis.status === 'ready')
})
