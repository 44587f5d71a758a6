import type { BrokenPlace, Unchained, VerifiedUpTo, VerifyWhat } from '../../ports/audit-trail.ts'
import type { SqlRow } from '../../ports.ts'
import { hashOfMany } from './audit-hash.ts'
import type { AuditReads, OfEntity } from './audit-links.ts'
import { inList } from './in-list.ts'
import { toSqlTime } from './time.ts'

const ROWS_AT_ONCE = 500
/** Below every key that a database gives, and every one that somebody has made up. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

type Loose = Pick<VerifyWhat, 'of' | 'unchainedBefore' | 'stop'> & {
  /** An entry from before entries were chained. */
  unchained(): void
  notChained(place: BrokenPlace): void
  from: VerifiedUpTo | null
  reached(upTo: VerifiedUpTo, rows: number): Promise<void>
}
/** Above which key, and who is told of each page. */
type Pages = { after: number; read(after: number, rows: number): Promise<void> }
type EntryRow = SqlRow & {
  audit_id: number
  entity: string
  entity_id: string
  event_type: string
  actor: string
  request_id: string
  recorded_at: string
}
type PlaceRow = SqlRow & { audit_id: number; entity: string; entity_id: string; seq: number; last_seq: number | null }

/**
 * What a walk along the chains does not come by: entries without a place in one are told; whoever has a place without, or
 * behind, the end of a chain is answered, perhaps again and again.
 */
export async function* loosePlaces(reads: AuditReads, loose: Loose): AsyncGenerator<OfEntity> {
  if (loose.from?.part !== 'places') await findUnchained(reads, loose)
  // A chain that was asked for by its name is looked at whether it has an end or not.
  if (loose.of?.id !== undefined) yield { entity: loose.of.entity, id: loose.of.id }
  else yield* headless(reads, loose)
}

async function findUnchained(reads: AuditReads, loose: Loose) {
  const { of, unchainedBefore, stop, unchained, notChained } = loose
  const first = await firstChained(reads)
  const until = unchainedBefore === null ? null : toSqlTime(unchainedBefore)
  for await (const row of withoutPlaces(reads, of, stop, pagesOf('entries', loose))) {
    const isOld = first === null || row.audit_id < first || (until !== null && row.recorded_at < until)
    if (isOld) unchained()
    else
      notChained({
        ...{ entity: row.entity, entityId: row.entity_id, seq: null, auditId: row.audit_id },
        what: 'not-chained',
      })
  }
}

function pagesOf(part: 'entries' | 'places', { from, reached }: Pick<Loose, 'from' | 'reached'>): Pages {
  const after = from?.part === part ? from.after : BEFORE_ALL
  return { after, read: (key, rows) => reached({ part, after: key }, rows) }
}
const ALL: Pages = { after: BEFORE_ALL, read: async () => undefined }

/** Nothing in the database shows that they are what was written: what this answers has to be kept elsewhere. */
export async function unchainedNow(reads: AuditReads, stop: AbortSignal): Promise<Unchained> {
  const hash = hashOfMany()
  let count = 0
  for await (const row of withoutPlaces(reads, null, stop)) {
    count += 1
    const { audit_id: id, entity, entity_id: entityId, event_type: type, actor, request_id: requestId } = row
    hash.add([id, entity, entityId, type, actor, requestId, row.recorded_at])
  }
  return { count, hash: hash.digest() }
}

/** In the order of their ids. */
async function* withoutPlaces(
  reads: AuditReads,
  of: VerifyWhat['of'],
  stop: AbortSignal,
  pages = ALL,
): AsyncGenerator<EntryRow> {
  let { after } = pages
  for (;;) {
    stop.throwIfAborted()
    const rows = await readEntries(reads, of, after)
    const last = rows.at(-1)
    if (!last) return
    after = last.audit_id
    yield* await withoutPlace(reads, rows)
    await pages.read(after, rows.length)
  }
}

async function firstChained({ scan }: AuditReads): Promise<number | null> {
  const [row] = await scan.query<{ first_id: number | null }>('SELECT MIN(audit_id) AS first_id FROM audit_chain')
  return row?.first_id ?? null
}

async function readEntries({ scan, dialect }: AuditReads, of: VerifyWhat['of'], after: number): Promise<EntryRow[]> {
  const { sql, params } = whose(of)
  return scan.query<EntryRow>(
    `SELECT audit_id, entity, entity_id, event_type, actor, request_id, recorded_at FROM user_audit
     WHERE audit_id > ?${sql} ORDER BY audit_id ${dialect.limit(ROWS_AT_ONCE)}`,
    [after, ...params],
  )
}

/** Looked for after they were read: an entry is there no sooner than its place. */
async function withoutPlace({ scan }: AuditReads, rows: EntryRow[]): Promise<EntryRow[]> {
  const list = inList(rows.map((row) => row.audit_id))
  const chained = await scan.query<{ audit_id: number }>(
    `SELECT audit_id FROM audit_chain WHERE audit_id IN ${list.sql}`,
    list.params,
  )
  const ids = new Set(chained.map((row) => row.audit_id))
  return rows.filter((row) => !ids.has(row.audit_id))
}

async function* headless({ scan, dialect }: AuditReads, loose: Loose): AsyncGenerator<OfEntity> {
  const { of, stop } = loose
  const { sql, params } = whose(of, 'c.')
  const pages = pagesOf('places', loose)
  let { after } = pages
  for (;;) {
    stop.throwIfAborted()
    const rows = await scan.query<PlaceRow>(
      `SELECT c.audit_id, c.entity, c.entity_id, c.seq, h.last_seq
       FROM audit_chain c LEFT OUTER JOIN audit_heads h ON h.entity = c.entity AND h.entity_id = c.entity_id
       WHERE c.audit_id > ?${sql} ORDER BY c.audit_id ${dialect.limit(ROWS_AT_ONCE)}`,
      [after, ...params],
    )
    const last = rows.at(-1)
    if (!last) return
    after = last.audit_id
    const found = rows.filter((row) => row.last_seq === null || Number(row.seq) > Number(row.last_seq))
    for (const { entity, entity_id: id } of found) yield { entity, id }
    await pages.read(after, rows.length)
  }
}

function whose(of: VerifyWhat['of'], table = ''): { sql: string; params: string[] } {
  if (of === null) return { sql: '', params: [] }
  if (of.id === undefined) return { sql: ` AND ${table}entity = ?`, params: [of.entity] }
  return { sql: ` AND ${table}entity = ? AND ${table}entity_id = ?`, params: [of.entity, of.id] }
}
