import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AT, refusal, someUser } from '../../test/support/users.ts'
import {
  type Authority,
  authorityOf,
  FULL_AUTHORITY,
  isOfBranches,
  mayCause,
  mayChangeCatalogue,
  mayChangeUser,
  mayGrant,
  UNLIMITED,
} from './authority.ts'
import type { UserEvent } from './events.ts'
import type { Scope } from './principal.ts'
import type { Role } from './role.ts'
import type { Grant } from './user.ts'

const MANAGER_ID = 70
const limited = (...branches: string[]): Authority => ({ branches, userId: MANAGER_ID, readsUsers: true })
const event = (given: object, userId = 7) => ({ userId, at: AT, ...given }) as UserEvent
const NOT_YOURS = refusal('not-your-branch')

describe('whose people they are', () => {
  const cases: [string, string | null, string[], boolean][] = [
    ['of the home branch', 'B001', ['B001', 'B009'], true],
    ['of another home branch, though they work here too', 'B009', ['B001', 'B009'], false],
    ['without a home, and all branches are theirs', null, ['B001', 'B002'], true],
    ['without a home, and one is not', null, ['B001', 'B009'], false],
    ['who work nowhere', null, [], false],
  ]
  for (const [who, homeBranchId, branches, theirs] of cases) {
    test(who, () => assert.equal(isOfBranches({ homeBranchId, branches }, ['B001', 'B002']), theirs))
  }
})

describe('changing a user', () => {
  test('is for whoever is not limited, and for those of whose branches they are', () => {
    mayChangeUser(FULL_AUTHORITY, someUser({ homeBranchId: null, branches: [] }))
    mayChangeUser(limited('B001'), someUser())
  })

  test('of other branches is refused, and to who may not read users as if there were none', () => {
    assert.throws(() => mayChangeUser(limited('B002'), someUser()), NOT_YOURS)
    assert.throws(() => mayChangeUser(limited(), someUser()), NOT_YOURS)
    const blind = { ...limited('B002'), readsUsers: false }
    assert.throws(() => mayChangeUser(blind, someUser()), {
      ...refusal('user-not-found'),
      message: 'There is no user 7.',
    })
  })
})

describe('what a command does', () => {
  const reaching: [string, object, string?][] = [
    ['registers somebody there', { type: 'user-registered', homeBranchId: 'B9' }, '/homeBranchId'],
    ['registers somebody nowhere', { type: 'user-registered', homeBranchId: null }, '/homeBranchId'],
    ['assigns another branch', { type: 'branch-assigned', branchId: 'B9' }],
    ['unassigns another branch', { type: 'branch-unassigned', branchId: 'B9' }],
    ['makes another branch the home', { type: 'home-branch-changed', branchId: 'B9' }],
    ['grants at another branch', { type: 'role-granted', role: 'cashier', branchId: 'B9' }],
    ['grants everywhere', { type: 'role-granted', role: 'cashier', branchId: null }],
    ['revokes at another branch', { type: 'role-revoked', role: 'cashier', branchId: 'B9' }],
    ['revokes what is held everywhere', { type: 'role-revoked', role: 'cashier', branchId: null }],
  ]
  for (const [what, given, field = '/branchId'] of reaching) {
    test(`${what}: not for who is limited to other branches`, () => {
      assert.throws(() => mayCause(limited('B001'), [event(given)]), refusal('not-your-branch', field))
      mayCause(FULL_AUTHORITY, [event(given)])
      if (
        (given as { homeBranchId?: null }).homeBranchId !== null &&
        (given as { branchId?: null }).branchId !== null
      ) {
        mayCause(limited('B001', 'B9'), [event(given)])
      }
    })
  }

  test('one event of several is enough', () => {
    const events = [event({ type: 'user-suspended' }), event({ type: 'branch-assigned', branchId: 'B9' })]
    assert.throws(() => mayCause(limited('B001'), events), refusal('not-your-branch', '/branchId'))
  })

  const rising: object[] = [
    { type: 'branch-assigned', branchId: 'B001' },
    { type: 'home-branch-changed', branchId: 'B001' },
    { type: 'role-granted', role: 'cashier', branchId: 'B001' },
    { type: 'limit-set', limit: 'discount-percent', value: 1 },
    { type: 'limit-removed', limit: 'discount-percent' },
    { type: 'user-reinstated' },
  ]
  for (const given of rising) {
    test(`${(given as { type: string }).type} is not for who is limited to do to themselves`, () => {
      assert.throws(() => mayCause(limited('B001'), [event(given, MANAGER_ID)]), refusal('not-yourself'))
      mayCause(limited('B001'), [event(given)])
      const nobody = { ...limited('B001'), userId: null }
      assert.throws(() => mayCause(nobody, [event(given)]), refusal('not-yourself'), 'it may be themselves')
    })
  }

  test('their own name, and the like, they may change', () => {
    mayCause(limited('B001'), [event({ type: 'details-changed', changes: { jobTitle: 'x' } }, MANAGER_ID)])
  })
})

describe('granting', () => {
  const role = (name: string, privileged = false): Role => ({ role: name, title: name, privileged, permissions: [] })
  const catalogue = { roles: [role('cashier'), role('key-holder'), role('boss', true)] }
  const granter = (roles: Grant[], status: 'active' | 'suspended' = 'active') =>
    someUser({ id: MANAGER_ID, roles, status })
  const at = (name: string, branchId: string | null = 'B001'): Grant => ({ role: name, branchId })
  const NOT_HELD = refusal('role-not-yours', '/role')

  test('what one holds there, or everywhere, may be given there', () => {
    mayGrant(limited('B001'), granter([at('cashier')]), catalogue, [at('cashier')])
    mayGrant(limited('B001'), granter([at('cashier', null)]), catalogue, [at('cashier')])
    mayGrant(FULL_AUTHORITY, null, catalogue, [at('boss', null)])
  })

  test('what one does not hold there may not', () => {
    assert.throws(
      () => mayGrant(limited('B001'), granter([at('cashier', 'B002')]), catalogue, [at('cashier')]),
      NOT_HELD,
    )
    assert.throws(() => mayGrant(limited('B001'), granter([at('cashier')]), catalogue, [at('key-holder')]), NOT_HELD)
    assert.throws(() => mayGrant(limited('B001'), granter([at('cashier')]), catalogue, [at('cashier', null)]), NOT_HELD)
  })

  test('nor anything by whom is not known, or not active', () => {
    assert.throws(() => mayGrant(limited('B001'), null, catalogue, [at('cashier')]), NOT_HELD)
    assert.throws(
      () => mayGrant(limited('B001'), granter([at('cashier')], 'suspended'), catalogue, [at('cashier')]),
      NOT_HELD,
    )
  })

  test('a privileged role may not, though one holds it; nor one that the catalogue does not know', () => {
    assert.throws(() => mayGrant(limited('B001'), granter([at('boss')]), catalogue, [at('boss')]), NOT_HELD)
    assert.throws(() => mayGrant(limited('B001'), granter([at('gone')]), catalogue, [at('gone')]), NOT_HELD)
  })
})

test('the catalogue is not for who is limited to branches', () => {
  assert.throws(() => mayChangeCatalogue(limited('B001')), NOT_YOURS)
  mayChangeCatalogue(FULL_AUTHORITY)
})

test('who is refused is told why, in words of their own case', () => {
  const said = (what: () => void): string => {
    try {
      what()
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing'
  }
  const granted = (branchId: string | null) => () =>
    mayCause(limited('B001'), [event({ type: 'role-granted', role: 'cashier', branchId })])
  assert.match(said(granted(null)), /name one of yours/)
  assert.match(said(granted('B9')), /none of yours/)
  const self = event({ type: 'limit-removed', limit: 'refund' }, MANAGER_ID)
  assert.match(
    said(() => mayCause(limited('B001'), [self])),
    /sets their own/,
  )
  assert.match(
    said(() => mayCause({ ...limited('B001'), userId: null }, [self])),
    /does not say which user/,
  )
  assert.match(
    said(() => mayChangeUser(limited('B002'), someUser())),
    /not of your branches/,
  )
  assert.match(
    said(() => mayChangeCatalogue(limited('B001'))),
    /everybody’s/,
  )
})

test('a role is held among others, at that branch or everywhere', () => {
  const roles = ['cashier', 'baker', 'keeper'].map((role) => ({ role, privileged: false }) as Role)
  const held: Grant[] = [
    { role: 'keeper', branchId: 'B001' },
    { role: 'cashier', branchId: 'B002' },
    { role: 'baker', branchId: null },
  ]
  const grant = (role: string, branchId: string | null) =>
    mayGrant(limited('B001', 'B002'), someUser({ status: 'active', roles: held }), { roles }, [{ role, branchId }])
  for (const [role, branchId] of [
    ['cashier', 'B002'],
    ['baker', 'B001'],
    ['baker', null],
  ] as const)
    grant(role, branchId)
  for (const [role, branchId] of [
    ['cashier', 'B001'],
    ['cashier', null],
    ['keeper', 'B002'],
  ] as const)
    assert.throws(() => grant(role, branchId), {
      ...refusal('role-not-yours', '/role'),
      message: /only roles that you hold/,
    })
})

test('what a caller may is what their token says, and of nobody’s token everything', () => {
  const principal = { key: 's', subject: 's', client: null, branches: ['B001'], userId: 7 }
  const of = (...scopes: Scope[]) => authorityOf({ ...principal, scopes: new Set(scopes) })
  assert.deepEqual(of('users:read', 'users:write'), { branches: ['B001'], userId: 7, readsUsers: true })
  assert.deepEqual(of('users:write'), { branches: ['B001'], userId: 7, readsUsers: false })
  assert.deepEqual(UNLIMITED, { client: null, authority: { branches: null, userId: null, readsUsers: true } })
})
