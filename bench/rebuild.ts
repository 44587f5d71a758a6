import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from './clock.ts'
import { peakMemoryKib } from './proc.ts'
import { hasEnded, untilDone } from './processes.ts'
import type { Data, Stage } from './stage.ts'

const LOOK_EVERY_MS = 5

export type Rebuilt = { users: number; seconds: number; usersPerSecond: number; peakMib: number }

/**
 * `users-service rebuild` into an empty Redis, by itself: no service and no worker must run, they would take part.
 * The time is that of the whole process, its start included.
 */
export async function measureRebuild({ processes, redis, server, say }: Stage, data: Data): Promise<Rebuilt> {
  say(`rebuild of ${data.users.toLocaleString('en')} users`)
  await redis.flushall()
  const name = `rebuild-${data.users}`
  const startedAtMs = monotonicMs()
  const running = processes.service(name, ['rebuild'], { DATA_DIR: data.dir, REDIS_URL: server.url })
  let peakKib = 0
  // The high-water mark only rises, so nothing between two looks is missed but the last few milliseconds' rise.
  while (!hasEnded(running)) {
    peakKib = Math.max(peakKib, peakMemoryKib(running.pid) ?? 0)
    await delay(LOOK_EVERY_MS)
  }
  const seconds = (monotonicMs() - startedAtMs) / 1_000
  await untilDone(running, 'rebuild').catch((error) => {
    throw new Error(`${error.message}:\n${processes.lastWords(name)}`)
  })
  const built = await redis.zcard(data.keys.home.ids)
  const whole = (await redis.get(data.keys.home.built)) !== null
  if (!whole || built !== data.users) throw new Error(`rebuilt ${built} of ${data.users} users; whole: ${whole}`)
  await redis.flushall()
  return { users: data.users, seconds, usersPerSecond: data.users / seconds, peakMib: peakKib / 1_024 }
}
