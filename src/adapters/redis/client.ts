import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { RedisObserver } from '../../ports/metrics.ts'
import type { ExpiringKeys, LuaScript, ReadModelRedis } from '../../ports/redis.ts'
import type { Confirm } from './beliefs.ts'
import { watchIncarnations } from './incarnation-watch.ts'
import { type ReadBreaker, readBreaker, telling } from './read-breaker.ts'
import { fullest, reasonOf } from './server-facts.ts'
import { connectServers, type ServerOptions, type Servers } from './servers.ts'

/** `incKeys`: the incarnation of each partition. */
export type RedisClientOptions = ServerOptions & {
  incKeys: string[]
  /** A read that takes longer is given up. */
  readDeadlineMs: number
  confirm: Confirm
  observer?: RedisObserver | undefined
}
type Commands = ReadModelRedis & ExpiringKeys
export type RedisClient = Commands & {
  ready(): Promise<void>
  isReady(): boolean
  /** The `maxmemory-policy` by which some master may drop keys on its own; null: none does, as far as is known. */
  evicts(): string | null
  /** Of the master that is fullest, by its limit where it has one. Asks each. */
  memory(): Promise<{ usedBytes: number; maxBytes: number }>
  /**
   * The connections to what is read from: what is told of changes there must be told of by these servers. `prefixes`:
   * beginnings of keys; each master gets the first that it serves.
   */
  masters(prefixes: string[]): { redis: Redis; beatPrefix: string | null }[]
  /** Called when `masters` may answer something else. */
  onMastersChange(tell: () => void): void
  close(): Promise<void>
}

/** ioredis has these two, and its types do not. */
type BufferScripts = Record<
  'evalsha_roBuffer' | 'eval_roBuffer',
  (script: string, numberOfKeys: number, ...keys: string[]) => Promise<(Buffer | null)[]>
>

const READY_POLL_MS = 5
const SCAN_COUNT = 1_000
const READS = { open: 'Redis is slow or gone: reads go to the database', close: 'reads go to Redis again' }
const COPIES = {
  open: 'Redis is slow or gone: other services are asked without copies',
  close: 'copies of what other services say are used again',
}
/** It still answers what is read. */
const isFull = (error: unknown) => reasonOf(error).startsWith('OOM')

/**
 * The connections for read models. After each (re)connection nothing is believed until the server's run id has been
 * compared with the incarnation's (design, section 3): `inc` ends with the run id of the master it was begun on.
 */
export function redisClient(options: RedisClientOptions): RedisClient {
  const servers = connectServers(options)
  const { redis } = servers
  const sha = digests()
  const buffers = redis as unknown as BufferScripts
  const beliefs = watchIncarnations(options, servers)
  const { readDeadlineMs: deadlineMs, log } = options
  const breaker = toldOf(readBreaker({ deadlineMs, words: READS, log }), options.observer)
  const writing = telling(options.observer, 'script')
  redis.on('ready', () => options.observer?.connected())
  const copiesBreaker = readBreaker({ deadlineMs, words: COPIES, isNoFault: isFull, log })
  const runScript: RedisClient['run'] = (script, keys, args) =>
    loadingScript(
      () => redis.evalsha(sha(script), keys.length, ...keys, ...args),
      () => redis.eval(script.source, keys.length, ...keys, ...args),
    )

  return {
    incarnation: beliefs.of,
    refreshIncarnation: beliefs.refresh,
    runId: servers.runIdOf,
    get: (key) => breaker.run(() => redis.get(key)),
    set: async (key, value) => void (await redis.set(key, value)),
    ...expiringKeys(redis, copiesBreaker),
    del: async (...keys) => void (await redis.del(...keys)),
    hmget: (key, ...fields) => breaker.run(() => redis.hmgetBuffer(key, ...fields)),
    hgetall: (key) => redis.hgetall(key),
    smembers: (key, max) =>
      breaker.run(async () => ((await redis.scard(key)) > max ? redis.srandmember(key, max) : redis.smembers(key))),
    zrangeByScore: (key, above, limit) =>
      breaker.run(() => redis.zrangebyscore(key, `(${above}`, '+inf', 'LIMIT', 0, limit)),
    zrangeByLex: (key, min, max, limit) => breaker.run(() => redis.zrangebylexBuffer(key, min, max, 'LIMIT', 0, limit)),
    run: (script, keys, args) => writing(() => runScript(script, keys, args)),
    runForReader: (script, keys, args) => breaker.run(() => runScript(script, keys, args)),
    readBuffers: (script, keys) =>
      breaker.run(() =>
        loadingScript(
          () => buffers.evalsha_roBuffer(sha(script), keys.length, ...keys),
          () => buffers.eval_roBuffer(script.source, keys.length, ...keys),
        ),
      ),
    publish: async (channel, message) => void (await redis.publish(channel, message)),
    scan: (pattern, visit) => scanAll(servers.masters(), pattern, visit),
    ready: async () => {
      while (!servers.isReady()) await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS).unref())
    },
    isReady: servers.isReady,
    evicts: servers.evicts,
    memory: () => fullest(servers.masters()),
    masters: servers.mastersServing,
    onMastersChange: servers.onMastersChange,
    close: async () => {
      beliefs.stop()
      breaker.stop()
      copiesBreaker.stop()
      redis.disconnect()
    },
  }
}

function toldOf({ run, stop }: ReadBreaker, observer: RedisObserver | undefined): ReadBreaker {
  const reading = telling(observer, 'read')
  return { run: (call) => reading(() => run(call)), stop }
}

/** By a breaker of their own: what goes wrong with these, who reads a user is not to notice. */
function expiringKeys(redis: Servers['redis'], { run }: ReadBreaker): ExpiringKeys {
  return {
    getExpiring: (key) => run(() => redis.get(key)),
    setFor: (key, value, ttlMs) => run(async () => void (await redis.set(key, value, 'PX', ttlMs))),
    claim: (key, ttlMs) =>
      run(
        async () =>
          (await redis.set(key, '', 'PX', ttlMs, 'NX')) === 'OK' ||
          // Without an end, nobody would ever have it again. One of many who find it so gives it one.
          (await redis.pexpire(key, ttlMs, 'NX')) === 1,
      ),
    release: (key) => run(async () => void (await redis.del(key))),
  }
}

/** A server that has been restarted knows no scripts: the first call of each carries its text. */
async function loadingScript<Reply>(byDigest: () => Promise<Reply>, byText: () => Promise<Reply>): Promise<Reply> {
  try {
    return await byDigest()
  } catch (error) {
    if (!reasonOf(error).startsWith('NOSCRIPT')) throw error
    return byText()
  }
}

function digests(): (script: LuaScript) => string {
  const known = new Map<LuaScript, string>()
  return (script) => {
    const digest = known.get(script) ?? createHash('sha1').update(script.source).digest('hex')
    known.set(script, digest)
    return digest
  }
}

async function scanAll(masters: Redis[], pattern: string, visit: (keys: string[]) => Promise<unknown>): Promise<void> {
  for (const master of masters) {
    for (let cursor = '0'; ; ) {
      const [next, keys] = await master.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
      if (keys.length > 0) await visit(keys)
      if (next === '0') break
      cursor = next
    }
  }
}
