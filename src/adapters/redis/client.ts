import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { LuaScript, ReadModelRedis } from '../../ports/redis.ts'
import { readBreaker } from './read-breaker.ts'
import { connectServers, reasonOf, type ServerOptions, type Servers } from './servers.ts'

/** `incKeys`: the incarnation of each partition. */
export type RedisClientOptions = ServerOptions & {
  incKeys: string[]
  /** A read that takes longer is given up. */
  readDeadlineMs: number
  /** Whether this is the incarnation that was begun last, by a source that outlives Redis. */
  confirm(incKey: string, incarnation: string): Promise<boolean>
}
export type RedisClient = ReadModelRedis & {
  ready(): Promise<void>
  isReady(): boolean
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

/** While an incarnation is not believed, how often this process looks whether a worker has mended it. */
const LOOK_AGAIN_MS = 100
const READY_POLL_MS = 5
const SCAN_COUNT = 1_000

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
  const breaker = readBreaker({ deadlineMs: options.readDeadlineMs, log: options.log })

  return {
    incarnation: beliefs.of,
    refreshIncarnation: beliefs.refresh,
    runId: servers.runIdOf,
    get: (key) => breaker.run(() => redis.get(key)),
    set: async (key, value) => void (await redis.set(key, value)),
    del: async (...keys) => void (await redis.del(...keys)),
    hmget: (key, ...fields) => breaker.run(() => redis.hmgetBuffer(key, ...fields)),
    hgetall: (key) => redis.hgetall(key),
    smembers: (key, max) =>
      breaker.run(async () => ((await redis.scard(key)) > max ? redis.srandmember(key, max) : redis.smembers(key))),
    zrangeByScore: (key, above, limit) =>
      breaker.run(() => redis.zrangebyscore(key, `(${above}`, '+inf', 'LIMIT', 0, limit)),
    zrangeByLex: (key, min, max, limit) => breaker.run(() => redis.zrangebylexBuffer(key, min, max, 'LIMIT', 0, limit)),
    run: (script, keys, args) =>
      loadingScript(
        () => redis.evalsha(sha(script), keys.length, ...keys, ...args),
        () => redis.eval(script.source, keys.length, ...keys, ...args),
      ),
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
    masters: servers.mastersServing,
    onMastersChange: servers.onMastersChange,
    close: async () => {
      beliefs.stop()
      breaker.stop()
      redis.disconnect()
    },
  }
}

/** `wasConfirmed`: at some time, though perhaps not on this connection. */
type Belief = { incarnation: string | null; isConfirmed: boolean; wasConfirmed: boolean }

/**
 * What each partition's `inc` was when last seen, and whether it may be believed: it names the server that is talked to,
 * and is the one that was begun last. The second is asked after each connection, because a master that was replaced, and
 * never told, still has its own.
 */
function watchIncarnations({ incKeys, confirm }: RedisClientOptions, servers: Servers) {
  const beliefs = new Map<string, Belief>()
  const of = (incKey: string): string | null => {
    const belief = beliefs.get(incKey)
    if (!belief?.isConfirmed || !belief.incarnation) return null
    return names(belief.incarnation, servers.runIdOf(incKey)) ? belief.incarnation : null
  }
  const refresh = async (incKey: string): Promise<string | null> => {
    // Learnt with each connection; only what failed then is asked again.
    if (servers.runIdOf(incKey) === null) await servers.learnRunIds()
    const incarnation = await servers.redis.get(incKey)
    const before = beliefs.get(incKey)
    const isSame = before?.incarnation === incarnation
    if (isSame && before?.isConfirmed) return of(incKey)
    const wasConfirmed = isSame && before?.wasConfirmed === true
    beliefs.set(incKey, { incarnation, isConfirmed: false, wasConfirmed })
    if (incarnation === null || !names(incarnation, servers.runIdOf(incKey))) return null
    // While the database can't be asked, what was believed before goes on being believed.
    const isConfirmed = await confirm(incKey, incarnation).catch(() => wasConfirmed)
    if (beliefs.get(incKey)?.incarnation === incarnation)
      beliefs.set(incKey, { incarnation, isConfirmed, wasConfirmed: isConfirmed })
    return of(incKey)
  }
  const lookAgain = setInterval(() => {
    if (!servers.isReady()) return
    const disbelieved = incKeys.filter((incKey) => of(incKey) === null)
    if (disbelieved.length > 0) Promise.all(disbelieved.map(refresh)).catch(() => null)
  }, LOOK_AGAIN_MS)
  lookAgain.unref()
  servers.onClose(() => {
    for (const belief of beliefs.values()) belief.isConfirmed = false
  })
  servers.redis.on('ready', () => void Promise.all(incKeys.map(refresh)).catch(() => null))
  return { of, refresh, stop: () => clearInterval(lookAgain) }
}

/** An incarnation ends with the run id of the master that it was begun on. */
function names(incarnation: string, runId: string | null): boolean {
  return runId !== null && incarnation.endsWith(`.${runId}`)
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
