import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AT, afterwards, someUser } from '../../test/support/users.ts'
import type { DomainEvent, UserEvent } from './events.ts'
import { changesFrom, type FieldChange, fieldChanges, valuesBefore, valuesBeforeEach } from './field-changes.ts'
import { LIMIT_NAMES } from './limits.ts'
import type { Role } from './role.ts'
import type { Details, User } from './user.ts'

const of = { userId: 7, at: AT }
const USER = someUser()
const CASHIER: Role = {
  role: 'cashier',
  title: 'Cashier',
  privileged: false,
  permissions: [{ permission: 'till.open', effect: 'allow' }],
}
const DETAILS: Details = {
  username: 'ann.lee',
  employeeNumber: null,
  givenName: 'Ann',
  familyName: 'Lee',
  email: 'a@example.com',
  phone: null,
  jobTitle: null,
}

type Row = [event: DomainEvent, changes: FieldChange[], before?: User | Role | null]
const change = (field: string, before: unknown, after: unknown): FieldChange => ({ field, before, after })
const ROWS: Row[] = [
  [
    { ...of, type: 'user-registered', details: DETAILS, homeBranchId: 'B1' },
    [
      change('username', null, 'ann.lee'),
      change('givenName', null, 'Ann'),
      change('familyName', null, 'Lee'),
      change('email', null, 'a@example.com'),
      change('status', null, 'active'),
      change('homeBranchId', null, 'B1'),
      change('branches', null, 'B1'),
    ],
    null,
  ],
  [
    { ...of, type: 'details-changed', changes: { givenName: 'Bo', email: null, phone: '+1 212 555 0107' } },
    [change('givenName', 'Ann', 'Bo'), change('email', 'ann.lee@example.com', null)],
  ],
  [{ ...of, type: 'user-suspended' }, [change('status', 'active', 'suspended')]],
  [{ ...of, type: 'user-reinstated' }, [change('status', 'suspended', 'active')], someUser({ status: 'suspended' })],
  [{ ...of, type: 'user-terminated' }, [change('status', 'active', 'terminated')]],
  [{ ...of, type: 'branch-assigned', branchId: 'B9' }, [change('branches', null, 'B9')]],
  [{ ...of, type: 'branch-unassigned', branchId: 'B002' }, [change('branches', 'B002', null)]],
  [{ ...of, type: 'home-branch-changed', branchId: 'B002' }, [change('homeBranchId', 'B001', 'B002')]],
  [
    { ...of, type: 'role-granted', role: 'baker', branchId: null },
    [change('roles', null, { role: 'baker', branchId: null })],
  ],
  [
    { ...of, type: 'role-revoked', role: 'key-holder', branchId: 'B001' },
    [change('roles', { role: 'key-holder', branchId: 'B001' }, null)],
  ],
  [{ ...of, type: 'limit-set', limit: 'discount-percent', value: 20 }, [change('limits.discount-percent', 10, 20)]],
  [{ ...of, type: 'limit-set', limit: 'cash-drop', value: 0 }, [change('limits.cash-drop', null, 0)]],
  [{ ...of, type: 'limit-removed', limit: 'discount-percent' }, [change('limits.discount-percent', 10, null)]],
  [{ ...of, type: 'preference-set', key: 'theme', value: '' }, [change('preferences.theme', 'dark', '')]],
  [{ ...of, type: 'preference-set', key: 'a.b', value: 'x' }, [change('preferences.a.b', null, 'x')]],
  [{ ...of, type: 'preference-removed', key: 'theme' }, [change('preferences.theme', 'dark', null)]],
  [
    { type: 'role-defined', at: AT, role: CASHIER },
    [
      change('title', null, 'Cashier'),
      change('privileged', null, false),
      change('permissions', null, CASHIER.permissions),
    ],
    null,
  ],
  [
    { type: 'role-defined', at: AT, role: { ...CASHIER, privileged: true, permissions: [] } },
    [change('privileged', false, true), change('permissions', CASHIER.permissions, [])],
    CASHIER,
  ],
  [
    { type: 'role-removed', at: AT, role: 'cashier' },
    [
      change('title', 'Cashier', null),
      change('privileged', false, null),
      change('permissions', CASHIER.permissions, null),
    ],
    CASHIER,
  ],
]

describe('field changes', () => {
  for (const [index, [event, changes, before = USER]] of ROWS.entries()) {
    test(`${event.type}: what differs, with what it was (${index})`, () => {
      assert.deepEqual(fieldChanges(before, event), changes)
      const kept = JSON.parse(JSON.stringify(valuesBefore(before, event)))
      assert.deepEqual(changesFrom(event, kept), changes, 'and so from what is kept of it')
    })
  }

  test('what is already so is no change', () => {
    assert.deepEqual(fieldChanges(USER, { ...of, type: 'details-changed', changes: { givenName: 'Ann' } }), [])
    assert.deepEqual(fieldChanges(CASHIER, { type: 'role-defined', at: AT, role: CASHIER }), [])
  })

  test('what every object has is no preference of anybody’s', () => {
    for (const key of ['constructor', '__proto__', 'toString']) {
      const event: UserEvent = { ...of, type: 'preference-set', key, value: 'x' }
      assert.deepEqual(fieldChanges(USER, event), [change(`preferences.${key}`, null, 'x')])
    }
  })

  test('an event of a newer release has changed nothing that this one knows', () => {
    const newer = { type: 'user-cloned', userId: 7, at: AT } as unknown as DomainEvent
    assert.deepEqual([fieldChanges(USER, newer), valuesBefore(USER, newer)], [[], {}])
  })

  test('of each of many events it is what the one before has left', () => {
    const arbitrary = fc.array(userEvent, { maxLength: 12 })
    fc.assert(
      fc.property(arbitrary, (events) => {
        const kept = valuesBeforeEach(USER, events)
        events.forEach((event, index) => {
          const before = afterwards(USER, events.slice(0, index))
          assert.deepEqual(changesFrom(event, kept[index] ?? {}), fieldChanges(before, event))
        })
      }),
      { seed: 20_240_601 },
    )
  })

  test('whatever happens, they are all the difference between the user before and after it', () => {
    fc.assert(
      fc.property(fc.array(userEvent, { maxLength: 8 }), userEvent, (events, event) => {
        const before = afterwards(USER, events)
        const values = flat(before)
        for (const { field, before: was, after } of fieldChanges(before, event)) {
          const name = field === 'branches' || field === 'roles' ? `${field} ${JSON.stringify(after ?? was)}` : field
          if (after === null) values.delete(name)
          else values.set(name, after)
        }
        assert.deepEqual(sorted(values), sorted(flat(afterwards(before, [event]))))
      }),
      { seed: 20_240_602 },
    )
  })
})

const text = fc.constantFrom('', 'a', 'ö', '😀', 'dark')
const branchId = fc.constantFrom('B001', 'B002', 'B3')
const key = fc.constantFrom('theme', 'size', 'a.b')
const limit = fc.constantFrom(...LIMIT_NAMES)
const nullable = fc.option(text)
const role = fc.constantFrom('cashier', 'baker')
const userEvent: fc.Arbitrary<UserEvent> = fc
  .oneof(
    fc.record({
      type: fc.constant('details-changed' as const),
      changes: fc.record({ givenName: text, email: nullable, jobTitle: nullable }, { requiredKeys: [] }),
    }),
    fc.record({ type: fc.constantFrom('user-suspended', 'user-reinstated', 'user-terminated') }),
    fc.record({ type: fc.constantFrom('branch-assigned', 'branch-unassigned', 'home-branch-changed'), branchId }),
    fc.record({ type: fc.constantFrom('role-granted', 'role-revoked'), role, branchId: fc.option(branchId) }),
    fc.record({ type: fc.constant('limit-set' as const), limit, value: fc.nat(3) }),
    fc.record({ type: fc.constant('limit-removed' as const), limit }),
    fc.record({ type: fc.constant('preference-set' as const), key, value: text }),
    fc.record({ type: fc.constant('preference-removed' as const), key }),
  )
  .map((event) => ({ ...of, ...event }) as UserEvent)

/** All that a user holds, each by a name of its own; what is not there is not in it. */
function flat({ branches, roles, limits, preferences, ...rest }: User): Map<string, unknown> {
  const entries: [string, unknown][] = [
    ...Object.entries(rest),
    ...branches.map((one): [string, unknown] => [`branches ${JSON.stringify(one)}`, one]),
    ...roles.map((one): [string, unknown] => [`roles ${JSON.stringify(one)}`, one]),
    ...Object.entries(limits).map(([name, value]): [string, unknown] => [`limits.${name}`, value]),
    ...Object.entries(preferences).map(([name, value]): [string, unknown] => [`preferences.${name}`, value]),
  ]
  return new Map(entries.filter(([, value]) => value !== null))
}
const sorted = (values: Map<string, unknown>) => [...values].sort(([a], [b]) => (a < b ? -1 : 1))
