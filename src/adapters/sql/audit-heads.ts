import type { BrokenPlace, ChainEnd } from '../../ports/audit-trail.ts'
import type { SqlRow } from '../../ports.ts'
import type { ChainHead } from './audit-check.ts'
import { type AuditReads, headPages, readKinds } from './audit-links.ts'
import { inList } from './in-list.ts'

/** Where every chain ends now: kept elsewhere, it shows later whether they were rewritten or removed as a whole. */
export async function* chainEnds(reads: AuditReads, stop: AbortSignal): AsyncGenerator<ChainEnd> {
  for (const kind of await readKinds(reads)) {
    for await (const heads of headPages(reads, kind, stop)) {
      const times = await timesOf(reads, kind, heads)
      for (const { entity, entity_id: entityId, last_seq: seq, last_hash: hash, kept_seq: keptSeq } of heads)
        yield { entity, entityId, seq, hash, keptSeq, at: times.get(`${entityId} ${seq}`) ?? null }
    }
  }
}

type TimeRow = SqlRow & { entity_id: string; seq: number; recorded_at: string }

async function timesOf({ scan }: AuditReads, kind: string, heads: ChainHead[]): Promise<Map<string, string>> {
  const list = inList(heads.map((head) => head.entity_id))
  const rows = await scan.query<TimeRow>(
    `SELECT c.entity_id, c.seq, a.recorded_at FROM audit_heads h
     INNER JOIN audit_chain c ON c.entity = h.entity AND c.entity_id = h.entity_id AND c.seq = h.last_seq
     INNER JOIN user_audit a ON a.audit_id = c.audit_id
     WHERE h.entity = ? AND h.entity_id IN ${list.sql}`,
    [kind, ...list.params],
  )
  return new Map(rows.map(({ entity_id: id, seq, recorded_at: at }) => [`${id} ${seq}`, at]))
}

type EndRow = SqlRow & { kept_seq: number; kept_hash: string; chain_hash: string | null }

/**
 * What is wrong with a chain that ended so once; null: nothing that can be seen. `removedBefore`: what was recorded before that
 * time (the database's) may have been removed; null: nothing may. Of what may, only the last entry can be compared.
 */
export async function comparedEnd(
  { scan }: AuditReads,
  end: ChainEnd,
  removedBefore: string | null,
): Promise<BrokenPlace | null> {
  const { entity, entityId, seq, hash, keptSeq, at } = end
  const broken = (what: BrokenPlace['what'], where = seq): BrokenPlace => {
    return { entity, entityId, seq: where, auditId: null, what }
  }
  const [row] = await scan.query<EndRow>(
    `SELECT h.kept_seq, h.kept_hash, c.chain_hash FROM audit_heads h
     LEFT OUTER JOIN audit_chain c ON c.entity = h.entity AND c.entity_id = h.entity_id AND c.seq = ?
     WHERE h.entity = ? AND h.entity_id = ?`,
    [seq, entity, entityId],
  )
  if (!row) return broken('shortened')
  const kept = Number(row.kept_seq)
  if (kept > keptSeq && removedBefore === null) return broken('removed', kept)
  if (kept >= seq && at !== null && removedBefore !== null && at >= removedBefore) return broken('removed-early')
  if (row.chain_hash !== null) return row.chain_hash === hash ? null : broken('rewritten')
  if (seq > kept) return broken('shortened')
  return seq === kept && row.kept_hash !== hash ? broken('rewritten') : null
}
