import { setTimeout as delay } from 'node:timers/promises'
import { dice, mulberry32 } from '../src/jobs/seed/random.ts'
import { monotonicMs } from './clock.ts'
import type { ForeignWrite, ForeignWritten } from './foreign-writer.ts'
import { header, textOf } from './load/answer.ts'
import { type Client, connectAs } from './load/connection.ts'
import { complaints } from './load/load.ts'
import type { People } from './people.ts'
import { exchange } from './processes.ts'
import { type Data, type Service, type Stage, startServing } from './stage.ts'

const WRITES = 200
const SEEN_LIMIT_MS = 10_000
/** Longer than the worker's polling interval. Without it each write would meet the worker at the same point of its turn. */
const LONGEST_LEAD_MS = 50
const SEED = 1
/** The first read brings it; what an invalidation met on its way comes with the next. */
const NEAR_ATTEMPTS = 20
/** A worker that is gone would cost the whole wait for each write. */
const MAX_FAULTS = 5

export type Visibility = {
  commands: number
  /** How many of them the next GET showed. */
  shown: number
  /** From the acknowledgement until another process, which had the user in its near cache, showed it. Ascending. */
  elsewhereAfterMs: number[]
  foreignWrites: number
  /** From the commit's return in the other program until both processes had answered with it. Ascending. */
  seenAfterMs: number[]
  errors: number
  complaints: string[]
}
type Shown = { userId: number; jobTitle: string | null; version: number; preferences: Record<string, string> }

export async function measureVisibility(stage: Stage, data: Data, service: Service, people: People) {
  const faults = complaints()
  const userIds = people.written.slice(0, 2 * WRITES)
  const other = await startServing(stage, data, {}, 'serve-other')
  const connect = (port: number) => connectAs(port, data.credentials)
  const [writer, reader] = [await connect(service.port), await connect(service.port)]
  const elsewhere = await connect(other.port)
  try {
    stage.say('visibility of own commands')
    const own = userIds.slice(0, WRITES)
    const elsewhereAfterMs: number[] = []
    for (const userId of own) {
      const seen = await ownCommand(writer, reader, elsewhere, userId)
      if (typeof seen === 'number') elsewhereAfterMs.push(seen)
      else faults.add(seen)
      if (faults.count() > MAX_FAULTS) break
    }
    stage.say('visibility of foreign writes')
    const foreign = stage.processes.helper('foreign-writer', 'foreign-writer.ts', [data.path])
    const write = (message: ForeignWrite) => exchange<ForeignWritten>(foreign, message)
    const roll = dice(mulberry32(SEED))
    const seenAfterMs: number[] = []
    for (const userId of userIds.slice(WRITES)) {
      const seen = await foreignWrite(write, [reader, elsewhere], userId, roll.below(LONGEST_LEAD_MS))
      if (typeof seen === 'number') seenAfterMs.push(seen)
      else faults.add(seen)
      if (faults.count() > MAX_FAULTS) break
    }
    await foreign.stop()
    return {
      commands: own.length,
      shown: elsewhereAfterMs.length,
      elsewhereAfterMs: elsewhereAfterMs.sort((a, b) => a - b),
      foreignWrites: userIds.length - own.length,
      seenAfterMs: seenAfterMs.sort((a, b) => a - b),
      errors: faults.count(),
      complaints: faults.kept,
    } satisfies Visibility
  } finally {
    writer.close()
    reader.close()
    elsewhere.close()
    await other.running.stop()
  }
}

/** Answers after how long it was seen elsewhere, or what was wrong. */
async function ownCommand(writer: Client, reader: Client, elsewhere: Client, userId: number): Promise<number | string> {
  const before = await show(reader, userId)
  if (!(await isNear(elsewhere, userId))) return `user ${userId}: not near in the other process`
  const value = `seen after version ${before.body.version}`
  const written = await writer.put(`/v1/users/${userId}/preferences/visibility`, { value })
  const writtenAtMs = monotonicMs()
  const [after, seenAtMs] = await Promise.all([
    show(reader, userId),
    until(elsewhere, userId, (body) => body.preferences.visibility === value, writtenAtMs),
  ])
  if (written.status !== 200) return `PUT for ${userId}: ${written.status} ${textOf(written)}`
  const pending = header(written, 'visibility')
  if (after.body.preferences.visibility !== value) return `user ${userId}: not shown (visibility: ${pending ?? '-'})`
  const { version } = JSON.parse(textOf(written)) as { version: number }
  if (after.body.version < version) return `user ${userId}: version ${after.body.version}, not ${version}`
  return seenAtMs === null ? `user ${userId}: not seen elsewhere within ${SEEN_LIMIT_MS} ms` : seenAtMs - writtenAtMs
}

/** Reads all the time from `leadMs` before the write is ordered. Answers when all have seen it, or what was wrong. */
async function foreignWrite(
  write: (message: ForeignWrite) => Promise<ForeignWritten>,
  readers: Client[],
  userId: number,
  leadMs: number,
): Promise<number | string> {
  const before = await Promise.all(readers.map((reader) => show(reader, userId)))
  const jobTitle = `seen after version ${before[0]?.body.version}`
  const orderAtMs = monotonicMs() + leadMs
  const looking = readers.map((reader) => until(reader, userId, (body) => body.jobTitle === jobTitle, orderAtMs))
  await delay(leadMs)
  const written = await write({ userId, jobTitle })
  const seenAtMs = await Promise.all(looking)
  if (written.changes !== 1) return `user ${userId}: the foreign writer changed ${written.changes} rows`
  // A read from the database would show the write without anybody having projected it.
  if (before.some(({ from }) => from === 'database')) return `user ${userId}: was not in Redis before`
  if (seenAtMs.includes(null)) return `user ${userId}: not seen within ${SEEN_LIMIT_MS} ms`
  return Math.max(0, ...seenAtMs.map((atMs) => Number(atMs) - written.committedAtMs))
}

/** Asks without a pause. Answers when an answer that is `right` had come; null: not in time. */
async function until(
  reader: Client,
  userId: number,
  right: (body: Shown) => boolean,
  sinceMs: number,
): Promise<number | null> {
  for (;;) {
    const { body } = await show(reader, userId)
    const atMs = monotonicMs()
    if (right(body)) return atMs
    if (atMs > sinceMs + SEEN_LIMIT_MS) return null
  }
}

async function isNear(reader: Client, userId: number): Promise<boolean> {
  for (let attempt = 0; attempt < NEAR_ATTEMPTS; attempt += 1) {
    if ((await show(reader, userId)).from === 'near') return true
  }
  return false
}

async function show(reader: Client, userId: number): Promise<{ body: Shown; from: string }> {
  const answer = await reader.get(`/v1/users/${userId}`)
  if (answer.status !== 200) throw new Error(`GET for ${userId}: ${answer.status} ${textOf(answer)}`)
  return { body: JSON.parse(textOf(answer)) as Shown, from: header(answer, 'read-from') ?? '-' }
}
