import type { DomainEvent } from './events.ts'
import type { Role } from './role.ts'
import type { User } from './user.ts'

/**
 * Of one field, what it was and what it is; null: it was, or is, not there. `field`: `jobTitle`, `limits.refund-amount`,
 * `preferences.theme`; of `branches` and `roles` (a Grant) one that was added has no `before`, one that was taken away no
 * `after`.
 */
export type FieldChange = { field: string; before: unknown; after: unknown }
/** By field, what it was before an event. */
export type Values = Readonly<Record<string, unknown>>

type Effect =
  | { field: string; after: unknown }
  | { field: string; added: unknown }
  | { field: string; removed: unknown }

/** What an event has changed of the user, or the role, whom it happened to (null: there was none); only what differs. */
export function fieldChanges(before: User | Role | null, event: DomainEvent): FieldChange[] {
  return changesFrom(event, valuesBefore(before, event))
}

/** The same, from what `valuesBefore` has kept. An event that this release does not know has changed nothing. */
export function changesFrom(event: DomainEvent, before: Values): FieldChange[] {
  return effectsOf(event).flatMap((effect): FieldChange[] => {
    const { field } = effect
    if ('added' in effect) return [{ field, before: null, after: effect.added }]
    if ('removed' in effect) return [{ field, before: effect.removed, after: null }]
    const was = Object.hasOwn(before, field) ? before[field] : null
    return isSame(was, effect.after) ? [] : [{ field, before: was, after: effect.after }]
  })
}

/** What an event does not say itself: of each field that it sets, what that was. What was not there is left out. */
export function valuesBefore(before: User | Role | null, event: DomainEvent): Values {
  const values = effectsOf(event).flatMap((effect) => {
    if (!('after' in effect)) return []
    const value = fieldOf(before, effect.field)
    return value === null ? [] : [[effect.field, value]]
  })
  return Object.fromEntries(values)
}

/** Of events that happened one after another, each on what the one before has left. */
export function valuesBeforeEach(before: User | Role | null, events: readonly DomainEvent[]): Values[] {
  const left = new Map<string, unknown>()
  return events.map((event) => {
    const values: Record<string, unknown> = { ...valuesBefore(before, event) }
    for (const effect of effectsOf(event)) {
      if (!('after' in effect)) continue
      const { field, after } = effect
      if (left.get(field) === null) delete values[field]
      else if (left.has(field)) values[field] = left.get(field)
      left.set(field, after)
    }
    return values
  })
}

const set = (field: string, after: unknown): Effect => ({ field, after })
const each = (values: object): Effect[] => Object.entries(values).map(([field, after]) => set(field, after))

function effectsOf(event: DomainEvent): Effect[] {
  switch (event.type) {
    case 'user-registered': {
      const { details, homeBranchId } = event
      const branches = homeBranchId === null ? [] : [{ field: 'branches', added: homeBranchId }]
      return [...each(details), set('status', 'active'), set('homeBranchId', homeBranchId), ...branches]
    }
    case 'details-changed':
      return each(event.changes)
    case 'user-suspended':
      return [set('status', 'suspended')]
    case 'user-reinstated':
      return [set('status', 'active')]
    case 'user-terminated':
      return [set('status', 'terminated')]
    case 'branch-assigned':
      return [{ field: 'branches', added: event.branchId }]
    case 'branch-unassigned':
      return [{ field: 'branches', removed: event.branchId }]
    case 'home-branch-changed':
      return [set('homeBranchId', event.branchId)]
    case 'role-granted':
      return [{ field: 'roles', added: { role: event.role, branchId: event.branchId } }]
    case 'role-revoked':
      return [{ field: 'roles', removed: { role: event.role, branchId: event.branchId } }]
    case 'limit-set':
      return [set(`limits.${event.limit}`, event.value)]
    case 'limit-removed':
      return [set(`limits.${event.limit}`, null)]
    case 'preference-set':
      return [set(`preferences.${event.key}`, event.value)]
    case 'preference-removed':
      return [set(`preferences.${event.key}`, null)]
    case 'role-defined': {
      const { title, privileged, permissions } = event.role
      return each({ title, privileged, permissions })
    }
    case 'role-removed':
      return each({ title: null, privileged: null, permissions: null })
    default:
      return []
  }
}

const GROUPS = ['limits', 'preferences']

function fieldOf(before: User | Role | null, field: string): unknown {
  if (before === null) return null
  const group = GROUPS.find((name) => field.startsWith(`${name}.`))
  if (group === undefined) return own(before, field)
  return own(own(before, group), field.slice(group.length + 1))
}

function own(values: unknown, name: string): unknown {
  if (typeof values !== 'object' || values === null || !Object.hasOwn(values, name)) return null
  return (values as Record<string, unknown>)[name] ?? null
}

/** They are texts, numbers and flags, and lists of permissions whose members come in one order. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
