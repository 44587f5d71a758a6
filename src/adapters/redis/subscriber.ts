import { Cluster } from 'ioredis'
import type { Log } from '../../ports.ts'
import { isCluster, parseClusterUrl } from './cluster-url.ts'
import { connectTo, tellOnce } from './servers.ts'

const CONNECT_TIMEOUT_MS = 2_000
const RECONNECT_MS = 500

const OPTIONS = {
  protocol: 2 as const,
  autoResubscribe: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: null,
  retryStrategy: () => RECONNECT_MS * (0.5 + Math.random() / 2),
}

/** Calls `onMessage` for each message of a channel. A missed one does no harm: whoever listens also polls. */
export function subscribe(url: string, channel: string, onMessage: () => void, log: Log): { close(): void } {
  const redis = isCluster(url) ? connectCluster(url) : connectTo(url, OPTIONS)
  tellOnce(redis, log)
  redis.on('message', onMessage)
  redis.subscribe(channel).catch(() => undefined)
  return {
    close() {
      // What Redis has sent already still arrives while the connection ends.
      redis.off('message', onMessage)
      redis.disconnect()
    },
  }
}

/** Any node will do: a cluster passes every message on to all of them. */
function connectCluster(url: string): Cluster {
  const { nodes, options } = parseClusterUrl(url)
  return new Cluster(nodes, { redisOptions: { ...OPTIONS, ...options }, clusterRetryStrategy: OPTIONS.retryStrategy })
}
