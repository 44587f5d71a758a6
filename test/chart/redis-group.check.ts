import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import type { Redis } from 'ioredis'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { connectTo } from '../../src/adapters/redis/servers.ts'
import { redisBinary } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { componentOf, isWorkload, ofKind, podOf, type Workload } from './objects.ts'
import { rendered, valueSet } from './support.ts'

// What the chart gives the pods of a Redis with replicas and of its Sentinels, run as processes: the very scripts and settings
// that Helm makes, on ports of loopback, and by a name in place of addresses.

const PASSWORD = 'abcDEF123'
const REPLICAS = 2
const SENTINELS = 3
/** In place of the chart's five seconds. */
const DOWN_AFTER_MS = 1_000
const LIMIT_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'chart-redis-group-'))
const { objects } = rendered(valueSet('redis-replicas'))
const running = new Map<string, Process>()
after(async () => {
  for (const { child, guard } of running.values()) {
    await end(child)
    await guard.end()
  }
  rmSync(folder, { recursive: true, force: true })
})

type Kind = 'redis' | 'redis-sentinel'
type Member = { name: string; kind: Kind; address: string }
type Process = { child: ChildProcess; guard: ReturnType<typeof guardAgainstOurEnd> }

const members: Member[] = []
for (const [kind, count] of [['redis', REPLICAS + 1] as const, ['redis-sentinel', SENTINELS] as const])
  for (let index = 0; index < count; index += 1)
    members.push({ name: `${kind}-${index}`, kind, address: `localhost:${await freePort()}` })
const of = (kind: Kind) => members.filter((one) => one.kind === kind)
const member = (name: string) => members.find((one) => one.name === name) as Member
const at = (address: string) => members.find((one) => one.address === address)?.name ?? address
const addresses = (kind: Kind) => of(kind).map(({ address }) => address)

const hasClient = spawnSync('sh', ['-c', 'command -v valkey-cli || command -v redis-cli']).status === 0
const skip = hasClient ? false : 'no valkey-cli or redis-cli, which the images have'

test('a group of Redis starts, outlives its masters and its Sentinels, and keeps what it was told', {
  skip,
}, async (t) => {
  for (const { name } of members) start(name)
  await whole('redis-0')
  const redis = clientOf(t)
  await until(
    'the master is found',
    async () => (await redis.set('{usr0}:x', 'kept').catch(() => null)) === 'OK',
    LIMIT_MS,
  )

  // The probes, and that nobody comes without the password, or may more than the service needs.
  for (const { name, kind } of members) {
    const args = kind === 'redis' ? ['ping'] : ['ping', 'sentinel']
    assert.equal(script(name, args, PASSWORD).status, 0, name)
    assert.notEqual(script(name, args, 'wrong').status, 0, name)
  }
  await assert.rejects(redis.config('GET', '*'), /NOPERM/)

  // A replica that comes back follows again.
  await kill('redis-2')
  start('redis-2')
  await whole('redis-0')

  // Another one takes over; the former master comes back as a replica.
  await kill('redis-0')
  const second = await until(
    'another is the master',
    async () => (await namedMaster()) !== 'redis-0' && namedMaster(),
    LIMIT_MS,
  )
  await until('it is found', async () => (await redis.get('{usr0}:x').catch(() => null)) === 'kept', LIMIT_MS)
  start('redis-0')
  await whole(second)

  // A master that restarts faster than anybody notices is empty, and leaves it to one that is not.
  await kill(second)
  start(second)
  await until('it has handed over', async () => (await namedMaster()) !== second, LIMIT_MS)
  const third = await namedMaster()
  await whole(third)
  await until('nothing is lost', async () => (await redis.get('{usr0}:x').catch(() => null)) === 'kept', LIMIT_MS)

  // Sentinels that have all forgotten everything find who is the master.
  for (const { name } of of('redis-sentinel')) await kill(name)
  for (const { name } of of('redis-sentinel')) start(name)
  await whole(third)
})

/** Every Sentinel names this one, and knows of the others; all replicas have what it has. */
async function whole(master: string): Promise<void> {
  const isWhole = async () => {
    const seen = of('redis-sentinel').map(({ address }) => sentinelAt(address))
    const agreed = seen.every(
      ({ name, slaves, others }) => name === master && slaves === REPLICAS && others === SENTINELS - 1,
    )
    const lines = ask(member(master).address, ['--user', 'users-service', 'INFO', 'replication'])
    return agreed && (lines.match(/^slave\d+:ip=localhost,.*state=online/gm) ?? []).length === REPLICAS
  }
  await until(`${master} is the master of all`, isWhole, LIMIT_MS)
}

async function namedMaster(): Promise<string> {
  const seen = addresses('redis-sentinel')
    .map(sentinelAt)
    .filter(({ name }) => name !== '')
  return seen.toSorted((a, b) => b.epoch - a.epoch)[0]?.name ?? ''
}

function sentinelAt(address: string) {
  const lines = ask(address, ['SENTINEL', 'MASTER', 'users']).split('\n')
  const value = (field: string) => lines[lines.indexOf(field) + 1] ?? ''
  const name = lines.includes('ip') ? at(`${value('ip')}:${value('port')}`) : ''
  const [slaves, others, epoch] = ['num-slaves', 'num-other-sentinels', 'config-epoch'].map((field) =>
    Number(value(field)),
  )
  return { name, slaves, others, epoch: epoch ?? 0 }
}

function ask(address: string, command: string[]): string {
  const [host = '', port = ''] = address.split(':')
  const program = 'exec "$(command -v valkey-cli || command -v redis-cli)" "$@"'
  const env = { ...process.env, REDISCLI_AUTH: PASSWORD }
  const { stdout } = spawnSync('sh', ['-c', program, 'sh', '-h', host, '-p', port, ...command], {
    env,
    encoding: 'utf8',
  })
  return stdout.replaceAll('\r', '')
}

/** As the service connects, by the URL that its pods are given. */
function clientOf(t: { after(end: () => unknown): void }): Redis {
  const api = objects.filter(isWorkload).find((one) => componentOf(one) === 'api')
  const given = api && podOf(api).containers[0]?.env?.find(({ name }) => name === 'REDIS_URL')?.value
  const url = given
    ?.replace(/@.*\//, `@${addresses('redis-sentinel').join(',')}/`)
    .replaceAll('$(REDIS_PASSWORD)', PASSWORD)
  assert.match(url ?? '', /^redis-sentinel:/)
  const redis = connectTo(url ?? '', { protocol: 2, maxRetriesPerRequest: 0, retryStrategy: () => 100 })
  redis.on('error', () => undefined)
  t.after(() => redis.disconnect())
  return redis
}

/** The pod's container, by what stands in its StatefulSet. */
function workloadOf({ kind }: Member): Workload {
  const found = objects.filter(isWorkload).find((one) => componentOf(one) === kind)
  assert.ok(found)
  return found
}

function start(name: string): void {
  const one = member(name)
  const command = podOf(workloadOf(one)).containers[0]?.command ?? []
  // What is in memory is gone with a pod.
  rmSync(join(folder, name), { recursive: true, force: true })
  layOut(one)
  const child = spawn('sh', [join(folder, name, 'settings', 'group.sh'), ...command.slice(2)], {
    env: environmentOf(one, PASSWORD),
    stdio: 'ignore',
    detached: true,
  })
  running.set(name, { child, guard: guardAgainstOurEnd(-Number(child.pid), join(folder, name)) })
}

function script(name: string, args: string[], password: string) {
  const path = join(folder, name, 'settings', 'group.sh')
  return spawnSync('sh', [path, ...args], { env: environmentOf(member(name), password) })
}

async function kill(name: string): Promise<void> {
  const { child, guard } = running.get(name) as Process
  await end(child)
  await guard.end()
  running.delete(name)
}

/** With whatever it has started. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  process.kill(-Number(child.pid), 'SIGKILL')
  await once(child, 'exit')
}

/** The pod's folders, with what its ConfigMap has in them. */
function layOut(one: Member): void {
  const own = join(folder, one.name)
  for (const inner of ['run', 'data', 'settings', 'bin']) mkdirSync(join(own, inner), { recursive: true })
  const mapName = podOf(workloadOf(one)).volumes?.find(({ name }) => name === 'settings')?.configMap?.name
  const map = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === mapName)
  for (const [file, text] of Object.entries(map?.data ?? {})) {
    const here = text
      .replace(/^port \d+$/m, `port ${one.address.split(':')[1]}`)
      .replace('bind * -::*', 'bind 127.0.0.1 -::1')
      .replace('down-after-milliseconds users 5000', `down-after-milliseconds users ${DOWN_AFTER_MS}`)
      .replace(/^maxmemory \d+mb$/m, 'maxmemory 32mb')
      .replaceAll(/(?<=^(dir|aclfile) )\/(run\/redis|data)/gm, (path) => join(own, path === '/data' ? 'data' : 'run'))
    writeFileSync(join(own, 'settings', file), here)
  }
  for (const password of [PASSWORD, 'wrong']) writeFileSync(join(own, password), password)
  symlinkSync(redisBinary(), join(own, 'bin', 'redis-server'))
}

function environmentOf(one: Member, password: string): NodeJS.ProcessEnv {
  const own = join(folder, one.name)
  const given = {
    REDIS_SELF: one.address,
    REDIS_PEERS: addresses('redis'),
    REDIS_SENTINELS: addresses('redis-sentinel'),
  }
  const names = podOf(workloadOf(one)).containers[0]?.env?.map(({ name }) => name)
  assert.deepEqual(names, Object.keys(given))
  return {
    ...{ PATH: `${join(own, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`, LC_ALL: 'C' },
    ...{
      REDIS_SELF: one.address,
      REDIS_PEERS: given.REDIS_PEERS.join(' '),
      REDIS_SENTINELS: given.REDIS_SENTINELS.join(' '),
    },
    ...{ REDIS_SETTINGS: join(own, 'settings'), REDIS_RUN: join(own, 'run') },
    REDIS_PASSWORD_FILE: join(own, password),
  }
}
