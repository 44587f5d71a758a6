import type { ReadModelRedis } from '../../ports/redis.ts'
import { DIRECT_STREAM, type FeedMark, type Log } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import { earlier } from '../../projections/incarnation/replay.ts'
import type { Keys } from '../../projections/keys.ts'

type Deps = {
  redis: Pick<ReadModelRedis, 'get' | 'set'>
  keys: Keys
  guard: Pick<IncarnationGuard, 'writeMark'>
  /** Call it again and again: true once all that has changed since then has been projected anew. */
  askForReplay(key: string, data: { since: string; until: null }): Promise<boolean>
  /** No writer's transaction lasts longer: a change made before a mark may have become visible this much after it. */
  longestTransactionMs: number
  stop: AbortSignal
  log: Log
}
export type MarkKeeper = ReturnType<typeof keepMarks>

const LOSS_POLL_MS = 200

/**
 * Writes marks, as long as they come from the stream that the last ones came from. Another stream (the outbox instead of
 * Kafka, a topic that was deleted and made again) knows nothing of what the former had not yet brought: first all that has
 * changed since the last mark is projected again.
 */
export function keepMarks({ redis, keys, guard, askForReplay, longestTransactionMs, stop, log }: Deps) {
  const sinceLastMark = async (): Promise<string | null> => {
    const marks = await Promise.all(keys.partitions.map(({ mark }) => redis.get(mark)))
    const known = marks.filter((mark) => mark !== null).sort()
    // A partition without a mark is built anew; one that cannot be read is nobody's.
    return known[0] === undefined ? null : earlier(known[0], longestTransactionMs)
  }
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  const replaySince = async (since: string): Promise<void> => {
    const key = `lost ${crypto.randomUUID()}`
    while (!(await askForReplay(key, { since, until: null }))) {
      await new Promise((resolve) => setTimeout(resolve, LOSS_POLL_MS))
      stop.throwIfAborted()
    }
  }
  return {
    async keep({ before, stream }: FeedMark): Promise<void> {
      const held = await redis.get(keys.stream)
      if ((held ?? DIRECT_STREAM) !== stream) {
        const since = await sinceLastMark()
        if (since !== null && !(await askForReplay(`${stream} ${since}`, { since, until: null }))) return
        log.info({ stream, since }, 'changes come another way now')
      }
      if (held !== stream) await redis.set(keys.stream, stream)
      await guard.writeMark(before)
    },
    /** Resolves when nothing can be missing any more of what was lost on its way, before it was called. */
    async replayLost(): Promise<void> {
      // Not shared with one that is under way: it may have passed whom it is about. Those who wait share the next one.
      next ??= Promise.resolve(running?.catch(() => undefined)).then(() => {
        next = null
        running = sinceLastMark().then((since) => (since === null ? undefined : replaySince(since)))
        return running
      })
      await next
    },
  }
}
