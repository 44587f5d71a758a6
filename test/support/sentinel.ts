import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { type LocalRedis, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { redisBinary } from './redis.ts'
import { until } from './service.ts'

export const MASTER_NAME = 'users'
const SENTINELS = 3
const QUORUM = 2
/** Short, so that a test sees a failover soon; long enough not to see one where there is none. */
const DOWN_AFTER_MS = 1_000
const FAILOVER_LIMIT_MS = 5_000
const TAKEOVER_LIMIT_MS = 60_000
const RAW_LIMIT_MS = 1_000
const RETRY_MS = 200

export type SentinelOptions = {
  replicas?: number
  /** Of Redis, and of the Sentinels. */
  passwords?: { redis: string; sentinel: string }
  /** Settings of each Redis beyond our own, `--name` → value. */
  more?: Record<string, string>
}
/** `raw`: an administrator's connection to it. */
export type SentinelServer = LocalRedis & { raw: Redis; kill(signal: NodeJS.Signals): void }
export type SentinelSet = {
  url: string
  servers: SentinelServer[]
  sentinels: SentinelServer[]
  /** Whom the Sentinels name now: those who live, and not the frozen ones. */
  master(): Promise<SentinelServer>
  /** Ends when the Sentinels name another one than this. */
  otherThan(master: SentinelServer): Promise<SentinelServer>
  /** Ends when so many replicas follow the master. */
  followed(replicas: number): Promise<void>
  /** Starts a server anew that was killed; it takes itself for a master, until Sentinels tell it otherwise. */
  restart(server: SentinelServer): Promise<SentinelServer>
  /** Settings for startService. */
  redis: { url: string; port: number; pid: number; flush(): Promise<void>; stop(): Promise<void> }
  stop(): Promise<void>
}

/** A master, its replicas and three Sentinels on loopback, which agree with each other. Gone with its folders after `stop`. */
export async function startSentinelSet(options: SentinelOptions = {}): Promise<SentinelSet> {
  const { replicas = 1, passwords, more = {} } = options
  const dir = await mkdtemp(join(tmpdir(), 'users-service-sentinel-'))
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  const keep = <Server extends Ending>(server: Server): Server => {
    ends.push(server.end)
    return server
  }
  let started = 0
  const start = async (how: Pick<Started, 'port' | 'follows'>) => {
    started += 1
    const folder = join(dir, `redis-${started}`)
    const server = keep(await startRedis(folder, { port: how.port, password: passwords?.redis, settings: more }))
    if (how.follows) await server.raw.replicaof('127.0.0.1', String(how.follows))
    return server
  }
  try {
    const first = await start({})
    const servers: SentinelServer[] = [first]
    while (servers.length <= replicas) servers.push(await start({ follows: first.port }))
    await untilFollowed(first, replicas)
    const sentinels: SentinelServer[] = []
    while (sentinels.length < SENTINELS)
      sentinels.push(keep(await startSentinel(join(dir, `sentinel-${sentinels.length}`), first.port, passwords)))
    await untilAgreed(sentinels, replicas)
    return setOf(servers, sentinels, { passwords, start, stop })
  } catch (error) {
    await stop()
    throw error
  }
}

type Started = {
  port?: number | undefined
  password?: string | undefined
  follows?: number
  settings: Record<string, string>
}
type Making = {
  passwords: SentinelOptions['passwords']
  start(how: Pick<Started, 'port' | 'follows'>): Promise<SentinelServer>
  stop(): Promise<void>
}

function setOf(
  servers: SentinelServer[],
  sentinels: SentinelServer[],
  { passwords, start, stop }: Making,
): SentinelSet {
  const master = async () => {
    const answers = await Promise.all(sentinels.map(named))
    const [latest] = answers.flatMap((one) => (one ? [one] : [])).toSorted((a, b) => b.epoch - a.epoch)
    const found = servers.find(({ port }) => port === latest?.port)
    if (!found) throw new Error(`the Sentinels name nobody: ${JSON.stringify(answers)}`)
    return found
  }
  const addresses = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const user = passwords ? `:${encodeURIComponent(passwords.redis)}@` : ''
  const query = passwords ? `?sentinelPassword=${encodeURIComponent(passwords.sentinel)}` : ''
  const url = `redis-sentinel://${user}${addresses}/${MASTER_NAME}${query}`
  const isOther = async (former: SentinelServer) => {
    const now = await master()
    return now.port !== former.port && now
  }
  return {
    ...{ url, servers, sentinels, master, stop },
    otherThan: (former) => until('another one is the master', () => isOther(former), TAKEOVER_LIMIT_MS),
    followed: async (replicas) => untilFollowed(await master(), replicas),
    async restart(server) {
      const again = await start({ port: server.port })
      servers.splice(servers.indexOf(server), 1, again)
      return again
    },
    redis: {
      ...{ url, port: 0, pid: 0 },
      flush: async () => void (await (await master()).raw.flushall()),
      stop: async () => undefined,
    },
  }
}

/** A Redis that takes its password when it has started: how it is started here, it has to answer first. */
async function startRedis(dir: string, { port, password, settings }: Started): Promise<SentinelServer & Ending> {
  const where = port ? { port } : {}
  const more = { '--repl-diskless-sync-delay': '0', ...settings }
  const server = await startLocalRedis({ binary: redisBinary(), dir, persist: false, more, ...where })
  const open = connect(server.port, undefined)
  if (password) await open.config('SET', 'requirepass', password, 'masterauth', password)
  open.disconnect()
  return withEnd(server, dir, connect(server.port, password))
}

async function startSentinel(dir: string, watched: number, passwords: SentinelOptions['passwords']) {
  await mkdir(dir, { recursive: true })
  const port = await freePort()
  const file = join(dir, 'sentinel.conf')
  await writeFile(file, sentinelSettings(port, watched, passwords).join('\n'))
  const child = spawn(redisBinary(), [file, '--sentinel'], { detached: true, stdio: 'ignore', env: { LC_ALL: 'C' } })
  await once(child, 'spawn')
  const ended = once(child, 'exit')
  child.unref()
  const stop = async () => {
    child.ref()
    child.kill('SIGKILL')
    await ended
  }
  const pid = Number(child.pid)
  const started = withEnd({ url: '', port, pid, stop }, dir, connect(port, passwords?.sentinel))
  await until('a Sentinel answers', async () => (await started.raw.ping().catch(() => null)) === 'PONG').catch(
    async (error: unknown) => {
      await started.end()
      throw error
    },
  )
  return started
}

function sentinelSettings(port: number, watched: number, passwords: SentinelOptions['passwords']): string[] {
  return [
    ...[`port ${port}`, 'bind 127.0.0.1', 'daemonize no', 'logfile ""', 'protected-mode no'],
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${watched} ${QUORUM}`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER_NAME} ${FAILOVER_LIMIT_MS}`,
    ...(passwords
      ? [
          `sentinel auth-pass ${MASTER_NAME} ${JSON.stringify(passwords.redis)}`,
          `requirepass ${JSON.stringify(passwords.sentinel)}`,
          `sentinel sentinel-pass ${JSON.stringify(passwords.sentinel)}`,
        ]
      : []),
    '',
  ]
}

type Ending = { end(): Promise<void> }

function withEnd(server: LocalRedis, dir: string, raw: Redis): SentinelServer & Ending {
  const guard = guardAgainstOurEnd(server.pid, dir)
  const kill = (signal: NodeJS.Signals) => void process.kill(server.pid, signal)
  const end = async () => {
    raw.disconnect()
    try {
      // A frozen one hears nothing else.
      kill('SIGCONT')
    } catch {
      // The test has killed it.
    }
    await server.stop()
    await guard.end()
  }
  return { ...server, raw, kill, end }
}

function connect(port: number, password: string | undefined): Redis {
  const raw = new Redis({
    ...{ port, host: '127.0.0.1', protocol: 2, maxRetriesPerRequest: 1, enableReadyCheck: false },
    ...{
      disconnectTimeout: 0,
      connectTimeout: RAW_LIMIT_MS,
      commandTimeout: RAW_LIMIT_MS,
      retryStrategy: () => RETRY_MS,
    },
    ...(password ? { password } : {}),
  })
  raw.on('error', () => undefined)
  return raw
}

/** Whom this Sentinel names; null while it does not answer. */
async function named({ raw }: SentinelServer): Promise<{ port: number; epoch: number } | null> {
  const reply = (await raw.call('SENTINEL', 'MASTER', MASTER_NAME).catch(() => null)) as string[] | null
  const of = (field: string) => Number(reply?.[reply.indexOf(field) + 1])
  return reply && { port: of('port'), epoch: of('config-epoch') }
}

async function untilFollowed(master: SentinelServer, replicas: number): Promise<void> {
  await until(
    `${replicas} replicas follow`,
    async () => {
      const info = await master.raw.info('replication').catch(() => '')
      return (info.match(/^slave\d+:.*state=online/gm) ?? []).length >= replicas
    },
    TAKEOVER_LIMIT_MS,
  )
}

/** Each knows the replicas, and the others: before that no failover finds enough voters. */
async function untilAgreed(sentinels: SentinelServer[], replicas: number): Promise<void> {
  const isReady = async ({ raw }: SentinelServer) => {
    const reply = (await raw.call('SENTINEL', 'MASTER', MASTER_NAME).catch(() => [])) as string[]
    const of = (field: string) => Number(reply[reply.indexOf(field) + 1])
    return of('num-slaves') === replicas && of('num-other-sentinels') === SENTINELS - 1
  }
  const all = async () => (await Promise.all(sentinels.map(isReady))).every(Boolean)
  await until('the Sentinels know each other', all, TAKEOVER_LIMIT_MS)
}
