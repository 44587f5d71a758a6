import { DatabaseSync } from 'node:sqlite'

/** `unknown`: no answer that says anything; the database knows. */
type Outcome = 'unknown' | 'refused' | 'done'
type Entry = { requestId: string; kind: string; unique: boolean; outcome: Outcome; userId: number; version: number }
type Registration = { username: string; userId: number | null }

export type Ledger = ReturnType<typeof ledgerOf>

/** Every command that was sent, and what was answered: compared with the database in the end. */
export function ledgerOf() {
  const entries: Entry[] = []
  const registrations: Registration[] = []
  const outcomes = (outcome: Outcome) => entries.filter((entry) => entry.outcome === outcome).length
  return {
    sent(requestId: string, kind: string, unique: boolean) {
      const entry: Entry = { requestId, kind, unique, outcome: 'unknown', userId: 0, version: 0 }
      entries.push(entry)
      return {
        requestId,
        refused: () => void Object.assign(entry, { outcome: 'refused' }),
        done: (userId: number, version: number) => void Object.assign(entry, { outcome: 'done', userId, version }),
      }
    },
    /** One person, under one idempotency key, however often it had to be asked. `userId` null: no answer ever came. */
    registered: (registration: Registration) => void registrations.push(registration),
    counts: () => {
      const people = registrations.filter(({ userId }) => userId !== null).length
      return { done: outcomes('done') + people, refused: outcomes('refused'), unknown: outcomes('unknown') }
    },
    /** What the database says otherwise than the answers did. */
    lost: (path: string): { lost: string[]; committedUnknown: number } => {
      using database = new DatabaseSync(path, { readOnly: true })
      const audited = new Map<string, number>()
      for (const { request, events } of database
        .prepare('SELECT request_id AS request, COUNT(*) AS events FROM user_audit GROUP BY request_id, event_type')
        .all() as { request: string; events: number }[])
        audited.set(request, Math.max(events, audited.get(request) ?? 0))
      const committed = database.prepare(
        'SELECT 1 FROM soak_history WHERE entity = ? AND entity_id = ? AND version = ?',
      )
      const isCommitted = ({ userId, version }: Entry) =>
        committed.get(userId === 0 ? 'role' : 'user', userId === 0 ? '*' : String(userId), version) !== undefined
      return {
        lost: [
          ...entries.flatMap((entry) => wrongEntry(entry, audited.get(entry.requestId) ?? 0, isCommitted)),
          ...registrations.flatMap((one) => wrongRegistration(database, one)),
        ],
        committedUnknown: entries.filter(({ outcome, requestId }) => outcome === 'unknown' && audited.has(requestId))
          .length,
      }
    },
  }
}

/** `audited`: how often one and the same event of this request is in the audit. */
function wrongEntry(entry: Entry, audited: number, isCommitted: (entry: Entry) => boolean): string[] {
  const { requestId, kind, unique, outcome } = entry
  const what = `${kind} (${requestId}, ${outcome})`
  if (audited > 1) return [`${what} is in the audit ${audited} times`]
  if (outcome === 'refused' && audited > 0) return [`${what} is in the audit`]
  if (outcome !== 'done') return []
  if (unique && audited === 0) return [`${what} is not in the audit`]
  return isCommitted(entry) ? [] : [`${what}: version ${entry.version} of user ${entry.userId} is not in the database`]
}

function wrongRegistration(database: DatabaseSync, { username, userId }: Registration): string[] {
  const rows = database
    .prepare(`SELECT entity_id AS id FROM user_audit WHERE event_type = 'user-registered' AND event LIKE ?`)
    .all(`%"${username}"%`) as { id: string }[]
  const ids = rows.map(({ id }) => Number(id))
  if (ids.length > 1) return [`${username} was registered ${ids.length} times`]
  if (userId !== null && ids[0] !== userId)
    return [`${username} was acknowledged as ${userId}, registered as ${ids[0]}`]
  return []
}
