import type { Dialect, Session, SqlRow, SqlValue } from '../../ports.ts'
import type { ChainHead, ChainLink } from './audit-check.ts'
import { inList } from './in-list.ts'

/** Entries may be long: 60 KB each at most, and there are so many in memory at a time. */
export const LINKS_AT_ONCE = 100
export const HEADS_AT_ONCE = 100

/** What long reads are done on. */
export type AuditReads = { scan: Pick<Session, 'query'>; dialect: Dialect }
export type OfEntity = { entity: string; id: string }

const HEAD = 'entity, entity_id, last_seq, last_hash, kept_seq, kept_hash'
type HeadRow = { [Column in keyof ChainHead]: SqlValue }
type LinkRow = SqlRow & { entity_id: string }

/** Kinds of entities that have a chain: those of this release, and of any other. */
export async function readKinds({ scan }: Pick<AuditReads, 'scan'>): Promise<string[]> {
  const rows = await scan.query<{ entity: string }>('SELECT DISTINCT entity FROM audit_heads ORDER BY entity')
  return rows.map(({ entity }) => entity)
}

/** All of a kind above the id `from`, in the order of ids, so many at a time as HEADS_AT_ONCE says. */
export async function* headPages(
  reads: AuditReads,
  entity: string,
  stop: AbortSignal,
  from = '',
): AsyncGenerator<ChainHead[]> {
  let after = from
  for (;;) {
    stop.throwIfAborted()
    const heads = await readHeads(reads, entity, after)
    const last = heads.at(-1)
    if (!last) return
    after = last.entity_id
    yield heads
  }
}

async function readHeads({ scan, dialect }: AuditReads, entity: string, after: string): Promise<ChainHead[]> {
  const rows = await scan.query<HeadRow>(
    `SELECT ${HEAD} FROM audit_heads WHERE entity = ? AND entity_id > ? ORDER BY entity_id ${dialect.limit(HEADS_AT_ONCE)}`,
    [entity, after],
  )
  return rows.map(headFrom)
}

export async function readHead(session: Pick<Session, 'query'>, { entity, id }: OfEntity): Promise<ChainHead | null> {
  const [row] = await session.query<HeadRow>(`SELECT ${HEAD} FROM audit_heads WHERE entity = ? AND entity_id = ?`, [
    entity,
    id,
  ])
  return row ? headFrom(row) : null
}

export async function lastSeq({ scan }: Pick<AuditReads, 'scan'>, { entity, id }: OfEntity): Promise<number> {
  const [row] = await scan.query<{ last_seq: number | null }>(
    'SELECT MAX(seq) AS last_seq FROM audit_chain WHERE entity = ? AND entity_id = ?',
    [entity, id],
  )
  return Number(row?.last_seq ?? 0)
}

const LINK = `c.seq, c.audit_id, c.entity_id AS chain_id, c.client, c.before_json, c.salt, c.content_hash, c.chain_hash,
  a.audit_id AS entry_id, a.entity, a.entity_id, a.event_type, a.event, a.actor, a.request_id, a.address, a.recorded_at`
const JOINED = 'audit_chain c LEFT OUTER JOIN user_audit a ON a.audit_id = c.audit_id'

/** The next of one chain, up to `lastSeq`. At most LINKS_AT_ONCE. */
export async function readLinks(
  { scan, dialect }: AuditReads,
  { entity, id, after, upTo }: OfEntity & { after: number; upTo: number },
): Promise<ChainLink[]> {
  const rows = await scan.query<LinkRow>(
    `SELECT ${LINK} FROM ${JOINED} WHERE c.entity = ? AND c.entity_id = ? AND c.seq > ? AND c.seq <= ?
     ORDER BY c.seq ${dialect.limit(LINKS_AT_ONCE)}`,
    [entity, id, after, upTo],
  )
  return rows.map(linkFrom)
}

/** All of several short chains, by id; null: there is more of them than was to be expected. */
export async function readChains(
  { scan, dialect }: AuditReads,
  entity: string,
  ids: string[],
): Promise<Map<string, ChainLink[]> | null> {
  const list = inList(ids)
  const rows = await scan.query<LinkRow>(
    `SELECT ${LINK} FROM ${JOINED} WHERE c.entity = ? AND c.entity_id IN ${list.sql}
     ORDER BY c.entity_id, c.seq ${dialect.limit(LINKS_AT_ONCE * 2)}`,
    [entity, ...list.params],
  )
  if (rows.length === LINKS_AT_ONCE * 2) return null
  const chains = new Map<string, ChainLink[]>(ids.map((id) => [id, []]))
  for (const row of rows) chains.get(String(row.chain_id))?.push(linkFrom(row))
  return chains
}

function headFrom(row: HeadRow): ChainHead {
  return {
    entity: String(row.entity),
    entity_id: String(row.entity_id),
    last_seq: Number(row.last_seq),
    last_hash: String(row.last_hash),
    kept_seq: Number(row.kept_seq),
    kept_hash: String(row.kept_hash),
  }
}

/** Whatever stands in a column is compared as it is: what is no text was never hashed as one. */
const textOrNull = (value: SqlValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value)
const text = (value: SqlValue | undefined): string => textOrNull(value) ?? ''

function linkFrom(row: LinkRow): ChainLink {
  const entry = {
    entity: text(row.entity),
    entity_id: text(row.entity_id),
    event_type: text(row.event_type),
    event: text(row.event),
    actor: text(row.actor),
    request_id: text(row.request_id),
    address: text(row.address),
    recorded_at: text(row.recorded_at),
  }
  return {
    seq: Number(row.seq),
    audit_id: Number(row.audit_id),
    client: textOrNull(row.client),
    before_json: textOrNull(row.before_json),
    salt: textOrNull(row.salt),
    content_hash: text(row.content_hash),
    chain_hash: text(row.chain_hash),
    entry: row.entry_id === null ? null : entry,
  }
}
