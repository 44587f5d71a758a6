import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { monotonicMs } from '../clock.ts'
import type { Rig, Side } from './rig.ts'

/** Longer than the polling interval. Without it each write would meet whoever polls at the same point of its turn. */
const LONGEST_PAUSE_MS = 50
const SEEN_LIMIT_MS = 10_000
const KEYSPACE = '__keyspace@0__:'

/** From the commit's return in the other program until the user's entry in Redis had the change; ascending. */
export type Visible = { afterMs: number[] }

/** One write at a time, of another program, while nothing else goes on. */
export async function measureVisible(rig: Rig, side: Side, userIds: number[], seed: number): Promise<Visible> {
  rig.stage.say(`${side.name}: ${userIds.length} single writes`)
  const roll = dice(mulberry32(seed))
  const watcher = await watchEntries(side.redis)
  const afterMs: number[] = []
  try {
    for (const userId of userIds) {
      await delay(roll.below(LONGEST_PAUSE_MS))
      afterMs.push(await timeOne(side, watcher, userId))
    }
  } finally {
    watcher.stop()
  }
  return { afterMs: afterMs.sort((a, b) => a - b) }
}

async function timeOne({ redis, data, write }: Side, { changesOf }: Watcher, userId: number): Promise<number> {
  const key = data.keys.user(userId)
  const before = Number(await redis.hget(key, 'v'))
  const limit = AbortSignal.timeout(SEEN_LIMIT_MS)
  const { next, stop } = changesOf(key)
  try {
    const { committedAtMs } = await write({ kind: 'one', userId, times: 1, apart: true, jobTitle: `after ${before}` })
    for (;;) {
      const atMs = await next(limit)
      // A fence would touch the entry as well, without a new version that can be read.
      const [version, body] = await redis.hmget(key, 'v', 'b')
      const isShown = Number(version) > before && body?.includes(`after ${before} 1`)
      if (isShown) return Math.max(0, atMs - committedAtMs)
    }
  } catch (error) {
    if (!limit.aborted) throw error
    throw new Error(`user ${userId}: its change was not in Redis within ${SEEN_LIMIT_MS} ms`)
  } finally {
    stop()
  }
}

type Watcher = Awaited<ReturnType<typeof watchEntries>>

/**
 * Redis says when an entry is written. Asking for it without pause would take one of two cores from those who are
 * measured.
 */
async function watchEntries(redis: Redis) {
  await redis.config('SET', 'notify-keyspace-events', 'Kh')
  const connection = redis.duplicate()
  await connection.psubscribe(`${KEYSPACE}*`)
  const events = new EventTarget()
  connection.on('pmessage', (_pattern: string, channel: string) => {
    events.dispatchEvent(new CustomEvent(channel.slice(KEYSPACE.length), { detail: monotonicMs() }))
  })
  return {
    changesOf(key: string) {
      const times: number[] = []
      const waiting = new EventTarget()
      const onChange = (event: Event) => {
        times.push((event as CustomEvent<number>).detail)
        waiting.dispatchEvent(new Event('change'))
      }
      events.addEventListener(key, onChange)
      return {
        async next(signal: AbortSignal): Promise<number> {
          if (times.length === 0) await once(waiting, 'change', { signal })
          return times.shift() ?? Number.NaN
        },
        stop: () => events.removeEventListener(key, onChange),
      }
    },
    stop: () => connection.disconnect(),
  }
}
