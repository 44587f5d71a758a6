import { dice, mulberry32 } from '../src/jobs/seed/random.ts'
import { monotonicMs } from './clock.ts'
import type { ForeignWrite, ForeignWritten } from './foreign-writer.ts'
import { header, textOf } from './load/answer.ts'
import { type Asker, connectAsker, get, put } from './load/connection.ts'
import { complaints } from './load/load.ts'
import type { People } from './people.ts'
import { exchange } from './processes.ts'
import type { Data, Service, Stage } from './stage.ts'

const WRITES = 200
const SEEN_LIMIT_MS = 10_000
/** Longer than the worker's polling interval. Without it each write would meet the worker at the same point of its turn. */
const LONGEST_LEAD_MS = 50
const SEED = 1
/** A worker that is gone would cost the whole wait for each write. */
const MAX_FAULTS = 5

export type Visibility = {
  commands: number
  /** How many of them the next GET showed. */
  shown: number
  foreignWrites: number
  /** From the commit's return in the other process until the answer that showed it had come. Ascending. */
  seenAfterMs: number[]
  errors: number
  complaints: string[]
}
type Shown = { userId: number; jobTitle: string | null; version: number; preferences: Record<string, string> }

export async function measureVisibility(stage: Stage, data: Data, service: Service, people: People) {
  const faults = complaints()
  const userIds = people.written.slice(0, 2 * WRITES)
  const [writer, reader] = [await connectAsker(service.port), await connectAsker(service.port)]
  try {
    stage.say('visibility of own commands')
    const own = userIds.slice(0, WRITES)
    let shown = 0
    for (const userId of own) {
      const fault = await ownCommand(writer, reader, userId)
      if (fault === null) shown += 1
      else faults.add(fault)
    }
    stage.say('visibility of foreign writes')
    const foreign = stage.processes.helper('foreign-writer', 'foreign-writer.ts', [data.path])
    const write = (message: ForeignWrite) => exchange<ForeignWritten>(foreign, message)
    const roll = dice(mulberry32(SEED))
    const seenAfterMs: number[] = []
    for (const userId of userIds.slice(WRITES)) {
      const seen = await foreignWrite(write, reader, userId, roll.below(LONGEST_LEAD_MS))
      if (typeof seen === 'number') seenAfterMs.push(seen)
      else faults.add(seen)
      if (faults.count() > MAX_FAULTS) break
    }
    await foreign.stop()
    return {
      commands: own.length,
      shown,
      foreignWrites: userIds.length - own.length,
      seenAfterMs: seenAfterMs.sort((a, b) => a - b),
      errors: faults.count(),
      complaints: faults.kept,
    } satisfies Visibility
  } finally {
    writer.close()
    reader.close()
  }
}

/** Answers what was wrong, or null. */
async function ownCommand(writer: Asker, reader: Asker, userId: number): Promise<string | null> {
  const before = await show(reader, userId)
  const value = `seen after version ${before.body.version}`
  const written = await writer.ask(put(`/v1/users/${userId}/preferences/visibility`, { value }))
  const after = await show(reader, userId)
  if (written.status !== 200) return `PUT for ${userId}: ${written.status} ${textOf(written)}`
  const pending = header(written, 'visibility')
  if (after.body.preferences.visibility !== value) return `user ${userId}: not shown (visibility: ${pending ?? '-'})`
  const { version } = JSON.parse(textOf(written)) as { version: number }
  return after.body.version >= version ? null : `user ${userId}: version ${after.body.version}, not ${version}`
}

/** Reads all the time from `leadMs` before the write is ordered. Answers when it was seen, or what was wrong. */
async function foreignWrite(
  write: (message: ForeignWrite) => Promise<ForeignWritten>,
  reader: Asker,
  userId: number,
  leadMs: number,
): Promise<number | string> {
  const before = await show(reader, userId)
  const jobTitle = `seen after version ${before.body.version}`
  const orderAtMs = monotonicMs() + leadMs
  let writing: Promise<ForeignWritten> | null = null
  let lastFrom = before.from
  for (;;) {
    if (writing === null && monotonicMs() >= orderAtMs) writing = write({ userId, jobTitle })
    const { body, from } = await show(reader, userId)
    const atMs = monotonicMs()
    if (body.jobTitle === jobTitle && writing !== null) return judge(await writing, atMs, lastFrom, userId)
    lastFrom = from
    if (atMs > orderAtMs + SEEN_LIMIT_MS) return `user ${userId}: not seen within ${SEEN_LIMIT_MS} ms`
  }
}

/** A read from the database would show the write without anybody having projected it. */
function judge(written: ForeignWritten, atMs: number, lastFrom: string, userId: number): number | string {
  if (written.changes !== 1) return `user ${userId}: the foreign writer changed ${written.changes} rows`
  if (lastFrom === 'database') return `user ${userId}: was not in Redis before`
  return Math.max(0, atMs - written.committedAtMs)
}

async function show(reader: Asker, userId: number): Promise<{ body: Shown; from: string }> {
  const answer = await reader.ask(get(`/v1/users/${userId}`))
  if (answer.status !== 200) throw new Error(`GET for ${userId}: ${answer.status} ${textOf(answer)}`)
  return { body: JSON.parse(textOf(answer)) as Shown, from: header(answer, 'read-from') ?? '-' }
}
