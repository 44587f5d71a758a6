import { noSuchUser } from '../../domain/authority.ts'
import type { FieldChange } from '../../domain/field-changes.ts'
import type { AuditedChange, AuditTrail } from '../../ports/audit-trail.ts'
import { DEFAULT_PAGE, decodeCursor, pageBody } from '../../wire/page.ts'
import { PERSONAL_FIELDS } from '../../wire/user.ts'

export type Deps = { history: AuditTrail }
export type GetHistory = { userId: number; limit: number | undefined; cursor: string | undefined }

/** Of the database itself: no copy is asked, and a user who is gone has one, too. */
export function getHistory({ history }: Deps) {
  return async ({ userId, limit = DEFAULT_PAGE, cursor }: GetHistory, seesPersonal: boolean): Promise<string> => {
    // One user's cursor is no other's.
    const filter = { history: userId }
    const after = decodeCursor(filter, cursor)
    const page = await history.history(userId, after === null ? null : Number(after), limit)
    if (page === null) throw noSuchUser(userId)
    const bodies = page.entries.map((entry) => Buffer.from(JSON.stringify(shown(entry, seesPersonal))))
    return pageBody(bodies, filter, page.next === null ? null : String(page.next))
  }
}

function shown({ seq, at, type, subject, client, address, requestId, changes }: AuditedChange, seesPersonal: boolean) {
  const seen = changes?.map((change) => (seesPersonal ? change : masked(change))) ?? null
  return { seq, at, type, by: { subject, client }, from: address, requestId, changes: seen }
}

/** That it changed is shown, and not into what. */
function masked(change: FieldChange): FieldChange & { masked?: true } {
  const isPersonal = PERSONAL_FIELDS.some((field) => field === change.field)
  return isPersonal ? { field: change.field, before: null, after: null, masked: true } : change
}
