import { Redis } from 'ioredis'
import type { Log } from '../../ports.ts'
import { tellOnce } from './servers.ts'

const CONNECT_TIMEOUT_MS = 2_000
const RECONNECT_MS = 500

/** Calls `onMessage` for each message of a channel. A missed one does no harm: whoever listens also polls. */
export function subscribe(url: string, channel: string, onMessage: () => void, log: Log): { close(): void } {
  const redis = new Redis(url, {
    protocol: 2,
    autoResubscribe: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: null,
    retryStrategy: () => RECONNECT_MS * (0.5 + Math.random() / 2),
  })
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
