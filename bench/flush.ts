import { setTimeout as delay } from 'node:timers/promises'
import { hotLoad } from './cases.ts'
import { monotonicMs } from './clock.ts'
import type { Answers, LoadResult } from './load/load.ts'
import type { People } from './people.ts'
import { type Data, type Service, type Stage, untilBuilt } from './stage.ts'

const FLUSHES = 3
const LOAD_MS = 4_000
const FLUSH_AFTER_MS = 500
/** So long nothing may have come from the database, at the end of the load. */
const CALM_MS = 500

export type Flush = {
  answers: number
  fromDatabase: number
  /** From the order to flush until the last answer that came from the database. */
  recoveredMs: number | null
  slowestMs: number
  errors: number
  complaints: string[]
}

/** FLUSHALL in the middle of the hot load, three times; each time the read models are whole before. */
export async function measureFlushes(stage: Stage, data: Data, service: Service, people: People): Promise<Flush[]> {
  const asked = { port: service.port, headers: data.credentials }
  const flushes: Flush[] = []
  for (let number = 1; number <= FLUSHES; number += 1) {
    stage.say(`FLUSHALL under load, ${number} of ${FLUSHES}`)
    const running = stage.generator.run(await hotLoad(asked, people, LOAD_MS))
    await delay(FLUSH_AFTER_MS)
    const flushedAtMs = monotonicMs()
    await stage.redis.flushall()
    flushes.push(judgeFlush(await running, flushedAtMs))
    await untilBuilt(stage, data, service)
  }
  return flushes
}

export function judgeFlush({ answers, errors, complaints }: LoadResult, flushedAtMs: number): Flush {
  const back = recovery(answers, flushedAtMs)
  const all = [...complaints]
  if (back.fromDatabase === 0) all.push('no read came from the database: was Redis emptied at all?')
  else if (back.recoveredMs === null) all.push(`reads still came from the database at the end of the load`)
  return {
    answers: answers.atMs.length,
    ...back,
    slowestMs: answers.tookMs.reduce((slowest, ms) => Math.max(slowest, ms), 0),
    errors: errors + all.length - complaints.length,
    complaints: all,
  }
}

/** `recoveredMs` null: reads came from the database until (almost) the end, or there were none. */
export function recovery({ atMs, fromDatabase }: Answers, flushedAtMs: number) {
  let count = 0
  let lastMs = flushedAtMs
  fromDatabase.forEach((read, i) => {
    const at = atMs[i] ?? 0
    if (read === 0 || at < flushedAtMs) return
    count += 1
    lastMs = Math.max(lastMs, at)
  })
  const calm = (atMs.at(-1) ?? 0) - lastMs >= CALM_MS
  return { fromDatabase: count, recoveredMs: count > 0 && calm ? lastMs - flushedAtMs : null }
}
