import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Log, LuaScript, ReadModelRedis } from '../../ports.ts'

export type RedisOptions = { url: string; commandTimeoutMs: number; connectTimeoutMs: number; incKey: string; log: Log }
export type RedisClient = ReadModelRedis & { ready(): Promise<void>; isReady(): boolean; close(): Promise<void> } & {
  /** The connections to what is read from: what is told of changes there must be told of by these servers. */
  masters(): Redis[]
}

/** ioredis has these two, and its types do not. */
type BufferScripts = Record<
  'evalsha_roBuffer' | 'eval_roBuffer',
  (script: string, numberOfKeys: number, ...keys: string[]) => Promise<(Buffer | null)[]>
>

const RECONNECT_BASE_MS = 25
const RECONNECT_MAX_MS = 1_000
/** While the incarnation is not believed, how often this process looks whether a worker has mended it. */
const LOOK_AGAIN_MS = 100
const SCAN_COUNT = 1_000

/**
 * The connection for read models. Nothing queues while it is down, nothing is sent twice, and after each (re)connection
 * nothing is believed until the server's run id has been compared with the incarnation's (design, section 3).
 */
export function redisClient({ url, commandTimeoutMs, connectTimeoutMs, incKey, log }: RedisOptions): RedisClient {
  const redis = connect({ url, commandTimeoutMs, connectTimeoutMs })
  let believed: string | null = null
  let runId: string | null = null
  const sha = digests()
  const buffers = redis as unknown as BufferScripts

  const refresh = async (): Promise<string | null> => {
    const [info, inc] = await Promise.all([redis.info('server'), redis.get(incKey)])
    runId = /^run_id:(\w+)/m.exec(info)?.[1] ?? null
    believed = inc !== null && runId !== null && inc.endsWith(`.${runId}`) ? inc : null
    return believed
  }
  const lookAgain = setInterval(() => {
    if (believed === null && redis.status === 'ready') refresh().catch(() => null)
  }, LOOK_AGAIN_MS)
  lookAgain.unref()
  redis.on('ready', () =>
    refresh().catch((error) => log.warn({ reason: reasonOf(error) }, 'Redis incarnation unknown')),
  )
  redis.on('close', () => {
    believed = null
    runId = null
  })
  tellOnce(redis, log)

  return {
    incarnation: () => believed,
    refreshIncarnation: refresh,
    runId: () => runId,
    get: (key) => redis.get(key),
    set: async (key, value) => void (await redis.set(key, value)),
    del: async (...keys) => void (await redis.del(...keys)),
    hmget: (key, ...fields) => redis.hmgetBuffer(key, ...fields),
    smembers: async (key, max) => ((await redis.scard(key)) > max ? redis.srandmember(key, max) : redis.smembers(key)),
    zrangeByScore: (key, above, limit) => redis.zrangebyscore(key, `(${above}`, '+inf', 'LIMIT', 0, limit),
    zrangeByLex: (key, min, max, limit) => redis.zrangebylexBuffer(key, min, max, 'LIMIT', 0, limit),
    run: (script, keys, args) =>
      loadingScript(
        () => redis.evalsha(sha(script), keys.length, ...keys, ...args),
        () => redis.eval(script.source, keys.length, ...keys, ...args),
      ),
    readBuffers: (script, keys) =>
      loadingScript(
        () => buffers.evalsha_roBuffer(sha(script), keys.length, ...keys),
        () => buffers.eval_roBuffer(script.source, keys.length, ...keys),
      ),
    publish: async (channel, message) => void (await redis.publish(channel, message)),
    deleteMatching: (pattern, keep) => deleteMatching(redis, pattern, keep),
    ready: () =>
      redis.status === 'ready' ? Promise.resolve() : new Promise((resolve) => redis.once('ready', () => resolve())),
    isReady: () => redis.status === 'ready',
    masters: () => [redis],
    close: async () => {
      clearInterval(lookAgain)
      redis.disconnect()
    },
  }
}

function connect({ url, commandTimeoutMs, connectTimeoutMs }: Omit<RedisOptions, 'incKey' | 'log'>): Redis {
  return new Redis(url, {
    protocol: 2,
    // Not `commandTimeout`, which is a timer a command: nothing heard for this long ends the connection, and every call.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: true,
    // Those calls are batches already; a pipeline around each costs as much again (docs/decisions/0008).
    autoPipeliningIgnoredCommands: ['evalsha_ro', 'eval_ro'],
    enableReadyCheck: true,
    socketTimeout: commandTimeoutMs,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (attempt) =>
      Math.min(RECONNECT_BASE_MS * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2),
  })
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

async function deleteMatching(redis: Redis, pattern: string, keep: (key: string) => boolean): Promise<number> {
  let deleted = 0
  for (let cursor = '0'; ; ) {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
    const doomed = keys.filter((key) => !keep(key))
    await Promise.all(doomed.map((key) => redis.unlink(key)))
    deleted += doomed.length
    if (next === '0') return deleted
    cursor = next
  }
}

/** One line when it goes, one when it is back: not one an attempt. */
export function tellOnce(redis: Redis, log: Log): void {
  let gone = false
  redis.on('error', (error) => {
    if (!gone) log.warn({ reason: reasonOf(error) }, 'Redis is out of reach')
    gone = true
  })
  redis.on('ready', () => {
    if (gone) log.info({}, 'Redis is back')
    gone = false
  })
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error)
}
