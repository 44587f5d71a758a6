import slotOf from 'cluster-key-slot'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Log } from '../../ports.ts'
import { isCluster, parseClusterUrl } from './cluster-url.ts'
import { sentinelOptions } from './sentinel-connector.ts'
import { isSentinel } from './sentinel-url.ts'
import { reasonOf, watchFacts } from './server-facts.ts'
import { endWhenSilent } from './silence.ts'

type OneOptions = Omit<RedisOptions, 'protocol' | 'replyMapping'> & { protocol: 2 }
export type ServerOptions = { url: string; commandTimeoutMs: number; connectTimeoutMs: number; log: Log }

/** One Redis, the master that Sentinels name, or a Redis Cluster. */
export type Servers = {
  /** Runs commands; on a cluster each goes where its first key lives. */
  redis: Redis | Cluster
  /** The run id of the master that serves `key`, or null while it is not known: no connection, or a new one. */
  runIdOf(key: string): string | null
  /** Asks again for all run ids. */
  learnRunIds(): Promise<void>
  /** The `maxmemory-policy` by which some master may drop keys on its own; null: none does, as far as is known. */
  evicts(): string | null
  /** The master that serves `key` is not the one any more: the next connection goes to whoever is, where that can be asked. */
  leave(key: string): void
  masters(): Redis[]
  /** Each master with the first of these beginnings of keys that it serves, if there is one. */
  mastersServing(prefixes: string[]): { redis: Redis; beatPrefix: string | null }[]
  onMastersChange(tell: () => void): void
  /** Called whenever a connection to a server has ended. */
  onClose(tell: () => void): void
  isReady(): boolean
}

const RECONNECT_BASE_MS = 25
const RECONNECT_MAX_MS = 1_000
/** Enough to follow a slot that moves; what takes longer is better answered by the database. */
const MAX_REDIRECTIONS = 4
const RETRY_REDIRECTED_MS = 50
const SLOTS_REFRESH_MS = 2_000
const SLOTS_TIMEOUT_MS = 1_000
/** So long, at most, what a new master's entries become is not told to near caches; then they are emptied. */
const MASTERS_LOOK_MS = 250

/**
 * `redis://…`: one server; `redis-sentinel://host:port,host:port/name`: whoever of several is the master;
 * `redis-cluster://host:port,host:port`: a cluster. Each also as `rediss…`, over TLS.
 */
export function connectServers(options: ServerOptions): Servers {
  return isCluster(options.url) ? connectCluster(options) : connectOne(options)
}

function connectOne({ url, log, ...timeouts }: ServerOptions): Servers {
  const redis = connectTo(url, {
    ...connectionOptions(timeouts),
    enableAutoPipelining: true,
    ...PIPELINING,
    retryStrategy,
  })
  // Not `commandTimeout`, which is a timer a command: silence ends the connection, and every call.
  endWhenSilent(redis, timeouts.commandTimeoutMs)
  tellOnce(redis, log)
  const facts = watchFacts(log)
  facts.watch(redis)
  return {
    redis,
    runIdOf: () => facts.of(redis),
    learnRunIds: () => facts.learn(redis),
    evicts: () => facts.evicts(redis),
    leave: () => redis.disconnect(true),
    masters: () => [redis],
    mastersServing: ([beatPrefix = null]) => [{ redis, beatPrefix }],
    onMastersChange: () => undefined,
    onClose: facts.onClose,
    isReady: () => redis.status === 'ready',
  }
}

/** A connection to one server, or to the master that Sentinels name. */
export function connectTo(url: string, options: OneOptions): Redis {
  return isSentinel(url) ? new Redis({ ...options, ...sentinelOptions(url) }) : new Redis(url, options)
}

function connectCluster({ url, log, ...timeouts }: ServerOptions): Servers {
  const { nodes, options } = parseClusterUrl(url)
  const cluster = new Cluster(nodes, {
    redisOptions: { ...connectionOptions(timeouts), ...options },
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    ...PIPELINING,
    maxRedirections: MAX_REDIRECTIONS,
    retryDelayOnFailover: RETRY_REDIRECTED_MS,
    retryDelayOnClusterDown: RETRY_REDIRECTED_MS,
    retryDelayOnTryAgain: RETRY_REDIRECTED_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    clusterRetryStrategy: retryStrategy,
  })
  tellOnce(cluster, log)
  const facts = watchFacts(log)
  const byAddress = new Map<string, Redis>()
  cluster.on('+node', (node: Redis) => {
    endWhenSilent(node, timeouts.commandTimeoutMs)
    byAddress.set(addressOf(node), node)
    facts.watch(node)
  })
  cluster.on('-node', (node: Redis) => {
    if (byAddress.get(addressOf(node)) === node) byAddress.delete(addressOf(node))
  })
  const masterOf = (key: string) => byAddress.get(cluster.slots[slotOf(key)]?.[0] ?? '')
  return {
    redis: cluster,
    runIdOf(key) {
      const node = masterOf(key)
      return node ? facts.of(node) : null
    },
    learnRunIds: async () => {
      await Promise.allSettled(cluster.nodes('master').map((node) => facts.learn(node)))
    },
    evicts: () =>
      cluster
        .nodes('master')
        .map(facts.evicts)
        .find((policy) => policy !== null) ?? null,
    // A cluster's own slot table says who serves what, and is asked for all the time.
    leave: () => undefined,
    masters: () => cluster.nodes('master'),
    mastersServing: (prefixes) =>
      cluster.nodes('master').map((redis) => ({
        redis,
        beatPrefix: prefixes.find((prefix) => masterOf(prefix) === redis) ?? null,
      })),
    // A replica that takes over is told of by nothing but the slot table.
    onMastersChange(tell) {
      for (const event of ['+node', '-node', 'refresh']) cluster.on(event, tell)
      const timer = setInterval(tell, MASTERS_LOOK_MS).unref()
      cluster.on('end', () => clearInterval(timer))
    },
    onClose: facts.onClose,
    isReady: () => cluster.status === 'ready',
  }
}

/** Calls that are batches already: a pipeline around each costs as much again (docs/decisions/0008). */
const PIPELINING = { autoPipeliningIgnoredCommands: ['evalsha_ro', 'eval_ro'] }

/** Nothing queues while a connection is down, and nothing is sent twice over one. */
function connectionOptions({ connectTimeoutMs }: Pick<ServerOptions, 'connectTimeoutMs'>) {
  return {
    protocol: 2 as const,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    connectTimeout: connectTimeoutMs,
  }
}

function retryStrategy(attempt: number): number {
  return Math.min(RECONNECT_BASE_MS * 2 ** Math.min(attempt, 10), RECONNECT_MAX_MS) * (0.5 + Math.random() / 2)
}

const addressOf = ({ options }: Redis): string => `${options.host}:${options.port}`

/** One line when it goes, one when it is back: not one an attempt. */
export function tellOnce(redis: Redis | Cluster, log: Log): void {
  let gone = false
  redis.on('error', (error: unknown) => {
    if (!gone) log.warn({ reason: reasonOf(error) }, 'Redis is out of reach')
    gone = true
  })
  redis.on('ready', () => {
    if (gone) log.info({}, 'Redis is back')
    gone = false
  })
}
