import { DomainError } from '../../domain/errors.ts'
import type { Values } from '../../domain/field-changes.ts'
import type { Actor, Dialect, Session } from '../../ports.ts'
import { asciiJson } from './ascii-json.ts'
import { chainHash, contentHash, type HashedEntry, NO_HASH, NO_SEQ, newSalt } from './audit-hash.ts'
import { databaseNow } from './database-time.ts'
import { isSqlError } from './errors.ts'

/** What audit_chain.before_json holds: all that a row of 32,767 bytes, which is Informix's longest, has room for. */
export const MAX_BEFORE_BYTES = 30_000

export type NewEntries = {
  dialect: Dialect
  /** `name` is at most 8 characters long, `id` at most 32. */
  entity: { name: string; id: string }
  by: Pick<Actor, 'name' | 'client' | 'requestId' | 'address'>
  /** In the order in which they happened. */
  entries: { event: { type: string }; before: Values }[]
}
type Head = { seq: number; hash: string; isNew: boolean; now: string }
type Chained = Omit<HashedEntry, 'event' | 'before_json'> & {
  event: string
  before_json: string | null
  salt: string
  content: string
  hash: string
}

/**
 * Adds entries to the chain of their entity, whose row is locked: nobody else adds one until this transaction ends. Answers
 * their audit ids, ascending. Against whoever has not locked it stand the chain's keys: DomainError `busy`.
 */
export async function writeEntries(session: Session, added: NewEntries): Promise<number[]> {
  const { dialect, entity, entries } = added
  if (entries.length === 0) return []
  const head = await readHead(session, dialect, entity)
  const chained = chain(head, added)
  for (const entry of chained) await insertEntry(session, entry)
  const auditIds = await newestIds(session, dialect, entity, chained.length)
  await refusingOvertaken(async () => {
    for (const [index, entry] of chained.entries()) await insertLink(session, auditIds[index] ?? 0, entry)
    await moveHead(session, entity, head, chained.at(-1) as Chained)
  })
  return auditIds
}

/** With the time, which an entry's hash is made of too: one question for both, but for an entity's first entry. */
async function readHead(session: Session, dialect: Dialect, { name, id }: NewEntries['entity']): Promise<Head> {
  const [row] = await session.query<{ last_seq: number; last_hash: string; now: string }>(
    `SELECT last_seq, last_hash, ${dialect.utcNow} AS now FROM audit_heads WHERE entity = ? AND entity_id = ?`,
    [name, id],
  )
  if (row) return { seq: Number(row.last_seq), hash: row.last_hash, isNew: false, now: row.now }
  return { seq: NO_SEQ, hash: NO_HASH, isNew: true, now: await databaseNow(session, dialect) }
}

function chain({ seq, hash, now }: Head, { entity, by, entries }: NewEntries): Chained[] {
  let previous = hash
  return entries.map(({ event, before }, index) => {
    const entry = {
      ...{ seq: seq + 1 + index, entity: entity.name, entity_id: entity.id, event_type: event.type },
      ...{ event: JSON.stringify(event), before_json: beforeJson(before), actor: by.name, client: by.client },
      ...{ request_id: by.requestId, address: by.address, recorded_at: now },
    }
    const salt = newSalt()
    const content = contentHash(salt, entry)
    previous = chainHash(previous, content, entry)
    return { ...entry, salt, content, hash: previous }
  })
}

/** No role of ours is too long; of one that another program has made only its length is kept. */
export function beforeJson(before: Values): string | null {
  if (Object.keys(before).length === 0) return null
  const json = asciiJson(before)
  if (json.length <= MAX_BEFORE_BYTES) return json
  const shorter = Object.entries(before).map(([field, value]) => [field, leftOut(value)])
  return asciiJson(Object.fromEntries(shorter))
}

/** So many fields of one event are short, that all of them together are. */
const MAX_LONG_VALUE_BYTES = 2_000
function leftOut(value: unknown): unknown {
  const { length } = asciiJson(value)
  return length <= MAX_LONG_VALUE_BYTES ? value : { leftOut: length }
}

async function insertEntry(session: Session, entry: Chained): Promise<void> {
  await session.execute(
    `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[entry.entity, entry.entity_id, entry.event_type, entry.event],
      ...[entry.actor, entry.request_id, entry.address, entry.recorded_at],
    ],
  )
}

/** By what is new of this entity: how a database tells the key that it has just given differs from one to the next. */
async function newestIds(session: Session, dialect: Dialect, { name, id }: NewEntries['entity'], count: number) {
  const rows = await session.query<{ audit_id: number }>(
    `SELECT audit_id FROM user_audit WHERE entity = ? AND entity_id = ? ORDER BY audit_id DESC ${dialect.limit(count)}`,
    [name, id],
  )
  return rows.map((row) => Number(row.audit_id)).reverse()
}

async function insertLink(session: Session, auditId: number, entry: Chained): Promise<void> {
  await session.execute(
    `INSERT INTO audit_chain (audit_id, entity, entity_id, seq, client, before_json, salt, content_hash, chain_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[auditId, entry.entity, entry.entity_id, entry.seq, entry.client],
      ...[entry.before_json, entry.salt, entry.content, entry.hash],
    ],
  )
}

async function moveHead(session: Session, entity: NewEntries['entity'], head: Head, { seq, hash }: Chained) {
  const of = [entity.name, entity.id]
  if (head.isNew) {
    await session.execute(
      `INSERT INTO audit_heads (entity, entity_id, last_seq, last_hash, kept_seq, kept_hash) VALUES (?, ?, ?, ?, ?, ?)`,
      [...of, seq, hash, NO_SEQ, NO_HASH],
    )
    return
  }
  const moved = await session.execute(
    'UPDATE audit_heads SET last_seq = ?, last_hash = ? WHERE entity = ? AND entity_id = ? AND last_seq = ?',
    [seq, hash, ...of, head.seq],
  )
  if (moved !== 1) throw overtaken()
}

async function refusingOvertaken(write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    throw isSqlError(error, 'duplicate') ? overtaken(error) : error
  }
}

function overtaken(cause?: unknown): DomainError {
  return new DomainError('busy', 'Somebody else has just changed this; try again.', undefined, { cause })
}
