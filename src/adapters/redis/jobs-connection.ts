import { Cluster, type Redis } from 'ioredis'
import type { Log } from '../../ports.ts'
import { isCluster, parseClusterUrl } from './cluster-url.ts'
import { connectTo, tellOnce } from './servers.ts'

/** What adds and looks up jobs must not wait: whoever asks can do without. */
const ASKING_LIMIT_MS = 2_000
const CONNECT_TIMEOUT_MS = 2_000
const RECONNECT_MS = 500

/** `asking`: fails at once while Redis is away. `taking`: waits for it, as a worker must. */
export type JobsConnections = Record<'asking' | 'taking', () => Redis | Cluster>

/** Connections of the job queue's library to one Redis, to the master that Sentinels name, or to a Redis Cluster. */
export function jobsConnections(url: string, log: Log): JobsConnections {
  const asking = {
    protocol: 2 as const,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    socketTimeout: ASKING_LIMIT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
  }
  const taking = { protocol: 2 as const, maxRetriesPerRequest: null, connectTimeout: CONNECT_TIMEOUT_MS }
  const connect = (options: typeof asking | typeof taking): Redis | Cluster => {
    const connection = isCluster(url) ? connectCluster(url, options) : connectOne(url, options)
    tellOnce(connection, log)
    return connection
  }
  return { asking: () => connect(asking), taking: () => connect(taking) }
}

const retryStrategy = () => RECONNECT_MS * (0.5 + Math.random() / 2)

function connectOne(url: string, options: { protocol: 2 }): Redis {
  return connectTo(url, { ...options, retryStrategy })
}

function connectCluster(url: string, options: object): Cluster {
  const { nodes, options: credentials } = parseClusterUrl(url)
  return new Cluster(nodes, {
    ...options,
    redisOptions: { ...options, ...credentials },
    clusterRetryStrategy: retryStrategy,
  })
}
