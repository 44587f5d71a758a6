import type { Redis } from 'ioredis'

/** Into how many looks the limit is divided: the end comes at most one look late. */
const LOOKS = 4

/** What ioredis has, and its types do not. */
type Inside = { commandQueue: { length: number }; stream: NodeJS.ReadableStream & { destroy(error: Error): void } }

/**
 * Ends a connection, and with it every call that waits, when answers are due and nothing has come for `limitMs`. Silence
 * is counted in looks, not in time: an event loop that was blocked (by start-up, by a long answer, by a machine with too
 * much to do) runs its timers before it reads what has come meanwhile, so a timer would take its own delay for Redis's
 * silence. That is what the client's own `socketTimeout` does.
 */
export function endWhenSilent(redis: Redis, limitMs: number): void {
  const inside = redis as unknown as Inside
  let silentLooks = 0
  const heard = () => {
    silentLooks = 0
  }
  let looking: NodeJS.Timeout | undefined
  const look = () => {
    silentLooks = inside.commandQueue.length === 0 ? 0 : silentLooks + 1
    // The first look finds what may have been sent just before it.
    if (silentLooks > LOOKS) inside.stream.destroy(new Error(`No answer for ${limitMs} ms.`))
  }
  redis.on('connect', () => {
    heard()
    inside.stream.on('data', heard)
    clearInterval(looking)
    looking = setInterval(look, Math.ceil(limitMs / LOOKS)).unref()
  })
  redis.on('close', () => clearInterval(looking))
}
