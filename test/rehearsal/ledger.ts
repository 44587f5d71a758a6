import { MAX_UNPROVED_MS } from '../../src/ports/invalidations.ts'
import { type Bounds, knowledge } from '../soak/knowledge.ts'
import type { Answered } from './asker.ts'

/** A command that answered `visibility: pending` may be shown later than this only where something is broken. */
const MOST_PENDING_MS = 45_000
const BOUNDS: Bounds = { nearMs: MAX_UNPROVED_MS, feedMs: MOST_PENDING_MS, anyMs: MOST_PENDING_MS }
const WRITER = 'the writer'
const READER = 'somebody else'

export type Title = string | null
export type Ledger = ReturnType<typeof ledgerOf>

/** What was acknowledged, and what answers may therefore show. Each user has one writer, so versions rise one by one. */
export function ledgerOf() {
  const known = knowledge(() => BOUNDS, { calmMs: () => 0 })
  /** By user, then by version. */
  const titles = new Map<number, Map<number, Title>>()
  const newest = new Map<number, number>()
  let acknowledged = 0

  return {
    acknowledged: () => acknowledged,
    newest: (userId: number): number | undefined => newest.get(userId),
    titleOf: (userId: number): Title | undefined => titles.get(userId)?.get(newest.get(userId) ?? 0),
    users: () => [...newest.keys()],
    /** Before the first command. */
    begin(userId: number, version: number, title: Title): void {
      newest.set(userId, version)
      titles.set(userId, new Map([[version, title]]))
    },
    /** What is wrong with the acknowledgement of a command; null: nothing. */
    acknowledge(userId: number, title: Title, { text, header, atMs }: Answered): string | null {
      const before = newest.get(userId) ?? 0
      const version = Number((JSON.parse(text) as { version?: number }).version)
      if (version !== before + 1)
        return `user ${userId}: version ${version} acknowledged after ${before}: lost, or done twice`
      acknowledged += 1
      newest.set(userId, version)
      titles.get(userId)?.set(version, title)
      known.learn(userId, { version, atMs, by: WRITER, visible: header('visibility') === null })
      return null
    },
    /** What is wrong with an answer about a user; null: nothing. `minVersion`: what was asked for, else 0. */
    judge(userId: number, minVersion: number, { text, header, sentAtMs }: Answered): string | null {
      const from = header('read-from')
      const near = from !== 'database' && from !== 'redis'
      const asked = { api: READER, sentAtMs, near, minVersion, saidStale: header('read-stale') !== null }
      const shown = JSON.parse(text) as { userId?: number; version?: number; jobTitle?: Title }
      const floor = known.floor(userId, asked)
      const version = Number(shown.version)
      if (shown.userId !== userId) return `user ${shown.userId} instead of ${userId}`
      if (version < floor)
        return `user ${userId}: version ${version} from ${from}, but ${floor} must be shown: ${known.describe(userId)}`
      const written = titles.get(userId)
      const title = written?.get(version)
      if (title !== undefined && title !== (shown.jobTitle ?? null))
        return `user ${userId}: "${shown.jobTitle}" at version ${version}, which was "${title}"`
      return null
    },
  }
}
