import assert from 'node:assert/strict'
import { chainEnds } from '../../src/adapters/sql/audit-heads.ts'
import type { AuditReads } from '../../src/adapters/sql/audit-links.ts'
import { unchainedNow } from '../../src/adapters/sql/audit-loose.ts'
import { verifyAudit } from '../../src/adapters/sql/audit-verify.ts'
import { databaseNow } from '../../src/adapters/sql/database-time.ts'
import { sqlRoleStore } from '../../src/adapters/sql/role-store.ts'
import { sqlSwitches } from '../../src/adapters/sql/switches.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import { decideDefineRole, decideRemoveRole, type Role } from '../../src/domain/role.ts'
import type { ChainEnd, VerifySteps, VerifyWhat } from '../../src/ports/audit-trail.ts'
import type { Database, Session } from '../../src/ports.ts'
import { until } from '../support/service.ts'
import { AT, BY, insertUser, type OpenRig, type Owner, type Rig } from './rig.ts'

export const CASHIER: Role = {
  role: 'cashier',
  title: 'Cashier',
  privileged: false,
  permissions: [{ permission: 'till.open', effect: 'allow' }],
}
/** Who writes in these tests; nothing of it is empty, so that nothing of it can be left out. */
export const WHO = { ...BY, name: 'ada', client: 'hr', requestId: 'r-7', address: '10.0.0.7' }
const CONTEXT = { expectedVersions: null, by: WHO }

export const happen = (database: Database, userId: number, events: UserEvent[], options = { events: false }) =>
  sqlUserStore(database, options).update(userId, CONTEXT, () => events)
export const prefer = (database: Database, userId: number, value: string, options?: { events: boolean }) =>
  happen(database, userId, [{ type: 'preference-set', userId, at: AT, key: 'theme', value }], options)
export const define = (database: Database, role: Role) =>
  sqlRoleStore(database).update(role.role, CONTEXT, (catalogue) => decideDefineRole(catalogue, role, AT))
export const remove = (database: Database, role: string) =>
  sqlRoleStore(database).update(role, CONTEXT, (catalogue, holders) => decideRemoveRole(catalogue, role, holders, AT))
export const force = (database: Database, setting: string | null) =>
  sqlSwitches(database).update('breaker:people-service', WHO, () => ({
    setting,
    entity: { name: 'breaker', id: 'people-service' },
    event: { type: 'breaker-forced', neighbour: 'people-service', forced: 'open', reason: String(setting), at: AT },
  }))

export async function openAudited(t: Owner, open: OpenRig, users = 3) {
  const rig = await open(t)
  for (let userId = 1; userId <= users; userId += 1) await insertUser(rig.database, userId)
  const reads = { scan: rig.scan, dialect: rig.database.dialect }
  return { rig, ...rig, reads, verified: (what?: Partial<VerifyWhat>) => verified(reads, what) }
}

const never = new AbortController().signal

/** What `verify` counts, and each place that it finds broken as `user 1 3 missing`; a row without a place by its id. */
export async function verified(reads: AuditReads, what: Partial<VerifyWhat> = {}, steps?: VerifySteps) {
  const places: string[] = []
  const counts = await verifyAudit(
    reads,
    { of: null, unchainedBefore: null, mayBeRemoved: true, stop: never, ...what },
    (place) => {
      places.push([place.entity, place.entityId, place.seq ?? `#${place.auditId}`, place.what].join(' '))
    },
    steps,
  )
  assert.equal(counts.broken, places.length)
  return { ...counts, places }
}

export const unchainedOf = (reads: AuditReads) => unchainedNow(reads, never)

export async function endsOf(reads: AuditReads): Promise<ChainEnd[]> {
  const ends: ChainEnd[] = []
  for await (const end of chainEnds(reads, never)) ends.push(end)
  return ends
}

/** All of the chain that this database keeps, one place after the other. */
export function chainOf(session: Pick<Session, 'query'>, entity = 'user', id = '1') {
  return session.query(
    `SELECT c.*, a.event_type, a.event, a.actor, a.request_id, a.address, a.recorded_at
     FROM audit_chain c INNER JOIN user_audit a ON a.audit_id = c.audit_id
     WHERE c.entity = ? AND c.entity_id = ? ORDER BY c.seq`,
    [entity, id],
  )
}

export async function rawEntry({ database }: Pick<Rig, 'database'>, entityId: string, at = '2020-01-01 00:00:00.000') {
  await database.execute(
    `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
     VALUES ('user', ?, 'user-suspended', ?, 'older', 'r0', '::1', ?)`,
    [entityId, JSON.stringify({ type: 'user-suspended', userId: Number(entityId), at: AT }), at],
  )
}

/** The database's time, later than all that was written before it. */
export async function momentLater(database: Database): Promise<string> {
  const [row] = await database.query<{ newest: string }>('SELECT MAX(recorded_at) AS newest FROM user_audit')
  return until('a moment later', async () => {
    const now = await databaseNow(database, database.dialect)
    return now > (row?.newest ?? '') && now
  })
}
