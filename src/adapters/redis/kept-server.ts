import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../ports.ts'
import { type LocalRedis, type LocalRedisOptions, startLocalRedis } from './local-server.ts'
import { reasonOf } from './server-facts.ts'

const RESTART_BASE_MS = 100
const RESTART_MAX_MS = 10_000
/** One that ran this long ended for a new reason: the waiting begins anew. */
const RAN_WELL_MS = 60_000

export type KeptRedis = { url: string; port: number; stop(): Promise<void> }

/**
 * A Redis of our own that is started again, on the same port, when it ends unasked. What it held and lost is the read
 * models' to notice: it has another run id.
 */
export async function keepLocalRedis(options: LocalRedisOptions, log: Log): Promise<KeptRedis> {
  const stopping = new AbortController()
  let server: LocalRedis | null = null
  let restarting = Promise.resolve()
  let failures = 0

  const start = async (port?: number): Promise<LocalRedis> => {
    const startedAt = Date.now()
    const onUnaskedEnd = (how: string) => {
      server = null
      if (Date.now() - startedAt > RAN_WELL_MS) failures = 0
      log.error({ how }, 'the bundled Redis has ended; starting it again')
      restarting = startAgain(first.port)
    }
    return startLocalRedis({ ...options, ...(port === undefined ? {} : { port }), onUnaskedEnd })
  }
  const startAgain = async (port: number) => {
    while (!stopping.signal.aborted) {
      const waitMs = Math.min(RESTART_BASE_MS * 2 ** failures, RESTART_MAX_MS)
      failures += 1
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      try {
        server = await start(port)
        log.info({ port }, 'the bundled Redis runs again')
        return
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, 'the bundled Redis does not start')
      }
    }
  }
  const first = await start(options.port)
  server = first
  return {
    url: first.url,
    port: first.port,
    async stop() {
      stopping.abort()
      await restarting
      await server?.stop()
    },
  }
}
