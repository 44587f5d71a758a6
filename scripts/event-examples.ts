import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toCloudEvent } from '../src/adapters/log-feed/cloud-events.ts'
import type { EventType } from '../src/adapters/log-feed/event-schemas.ts'
import { encodeChange, encodeMark } from '../src/adapters/log-feed/messages.ts'
import type { DomainEvent } from '../src/domain/events.ts'
import type { OutgoingMessage } from '../src/ports/message-log.ts'

const AT = '2026-11-28T10:00:00.000Z'
const WRITTEN = '2026-11-28 10:00:00.000'
const user = { userId: 42, at: AT }
export const EPOCH = '5f3a9c'

/** Of people who don't exist. */
export const EXAMPLE_EVENTS = {
  'user-registered': {
    ...{ type: 'user-registered', ...user, homeBranchId: 'B12' },
    details: {
      username: 'ann.lee',
      employeeNumber: 'E-1042',
      givenName: 'Ann-Kathrin',
      familyName: 'Lee-Ångström',
      email: 'counter.12@example.com',
      phone: '+44 20 7946 0000',
      jobTitle: 'Counter clerk',
    },
  },
  'details-changed': { type: 'details-changed', ...user, changes: { familyName: 'Nowak', phone: null } },
  'user-suspended': { type: 'user-suspended', ...user },
  'user-reinstated': { type: 'user-reinstated', ...user },
  'user-terminated': { type: 'user-terminated', ...user },
  'branch-assigned': { type: 'branch-assigned', ...user, branchId: 'B12' },
  'branch-unassigned': { type: 'branch-unassigned', ...user, branchId: 'B12' },
  'home-branch-changed': { type: 'home-branch-changed', ...user, branchId: 'B12' },
  'role-granted': { type: 'role-granted', ...user, role: 'cashier', branchId: 'B12' },
  'role-revoked': { type: 'role-revoked', ...user, role: 'cashier', branchId: null },
  'limit-set': { type: 'limit-set', ...user, limit: 'refund-amount', value: 25_000 },
  'limit-removed': { type: 'limit-removed', ...user, limit: 'refund-amount' },
  'preference-set': { type: 'preference-set', ...user, key: 'theme', value: 'high-contrast-yellow' },
  'preference-removed': { type: 'preference-removed', ...user, key: 'theme' },
  'role-defined': {
    ...{ type: 'role-defined', at: AT },
    role: {
      ...{ role: 'cashier', title: 'Cashier', privileged: false },
      permissions: [{ permission: 'refund.create', effect: 'approve' }],
    },
  },
  'role-removed': { type: 'role-removed', role: 'cashier', at: AT },
} as const satisfies { [Type in EventType]: Extract<DomainEvent, { type: Type }> }

export function exampleEvent(type: EventType, personalFields: readonly string[] = []): OutgoingMessage {
  const event = EXAMPLE_EVENTS[type]
  const entity = 'userId' in event ? 'user' : 'role'
  const entityId = entity === 'user' ? '42' : 'cashier'
  const message = toCloudEvent({ auditId: 1_203, entity, entityId, event }, { epoch: EPOCH, personalFields })
  if (!message) throw new Error(`${type} is published by nobody`)
  return message
}

export const EXAMPLE_CHANGE = encodeChange({ changeId: 123, entity: 'user', entityId: '42', changedAt: WRITTEN })
export const EXAMPLE_ROLES_CHANGE = encodeChange({ changeId: 124, entity: 'role', entityId: '*', changedAt: WRITTEN })
/** As its connector makes them: bare, and with their schema. */
export const DEBEZIUM_EXAMPLES: OutgoingMessage[] = ['debezium-insert', 'debezium-insert-with-schema'].map((name) => ({
  key: null,
  value: readFileSync(join(import.meta.dirname, '..', 'contracts', 'events', 'examples', `${name}.json`), 'utf8'),
}))
export const EXAMPLE_MARK = encodeMark(
  { mark: WRITTEN, stream: `${EPOCH}.0d9f2c3e-7a51-4b8e-9f60-1c2d3e4f5a6b`, token: 7, at: 4_711 },
  0,
)
