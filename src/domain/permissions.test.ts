import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decidePermission, effectivePermissions, type Holder } from './permissions.ts'
import type { Effect, Role, RoleCatalogue } from './role.ts'
import type { Grant } from './user.ts'

const SEED = 20_240_604
const RUNS = { seed: SEED, numRuns: 300 }

const role = (name: string, permissions: Record<string, Effect>): Role => ({
  role: name,
  title: name,
  privileged: false,
  permissions: Object.entries(permissions).map(([permission, effect]) => ({ permission, effect })),
})
const CATALOGUE: RoleCatalogue = {
  version: 3,
  roles: [
    role('cashier', { 'receipt.create': 'allow', 'receipt.void': 'approve' }),
    role('clerk', { 'receipt.void': 'approve', 'stock.view': 'allow' }),
    role('manager', { 'receipt.void': 'allow', 'stock.view': 'allow' }),
    role('empty', {}),
    role('owner', { 'company.sell': 'approve' }),
  ],
}
const at = (name: string, branchId: string | null = null): Grant => ({ role: name, branchId })
const holder = (...roles: Grant[]): Holder => ({ status: 'active', branches: ['B1', 'B2'], roles })
const ask = (who: Holder, permission: string, branchId: string | null = null) =>
  decidePermission(who, CATALOGUE, permission, branchId)

type Row = [what: string, grants: Grant[], branchId: string | null, decision: string, by: Grant | null]
const VOID: Row[] = [
  ['nothing held', [], null, 'deny', null],
  ['allow', [at('manager')], null, 'allow', at('manager')],
  ['approve', [at('cashier')], null, 'approve', at('cashier')],
  ['allow over approve', [at('cashier'), at('manager')], null, 'allow', at('manager')],
  ['allow over approve, in the other order', [at('manager'), at('cashier')], null, 'allow', at('manager')],
  ['approve over nothing', [at('empty'), at('cashier')], null, 'approve', at('cashier')],
  ['at a branch, no branch asked for', [at('manager', 'B1')], null, 'deny', null],
  ['at a branch, asked for', [at('manager', 'B1')], 'B1', 'allow', at('manager', 'B1')],
  ['at a branch, another asked for', [at('manager', 'B1')], 'B2', 'deny', null],
  ['everywhere, a branch asked for', [at('manager')], 'B1', 'allow', at('manager')],
  ['everywhere, a branch that is not assigned asked for', [at('manager')], 'B9', 'allow', at('manager')],
  [
    'allow at the branch over approve everywhere',
    [at('cashier'), at('manager', 'B1')],
    'B1',
    'allow',
    at('manager', 'B1'),
  ],
  ['approve at the branch under allow everywhere', [at('cashier', 'B1'), at('manager')], 'B1', 'allow', at('manager')],
  ['allow at another branch counts for nothing', [at('cashier'), at('manager', 'B2')], 'B1', 'approve', at('cashier')],
  ['of equals the one held everywhere', [at('cashier', 'B1'), at('clerk')], 'B1', 'approve', at('clerk')],
  ['of one role the grant held everywhere', [at('cashier', 'B1'), at('cashier')], 'B1', 'approve', at('cashier')],
  ['of equals everywhere the first by name', [at('clerk'), at('cashier')], null, 'approve', at('cashier')],
  [
    'of equals at the branch the first by name',
    [at('clerk', 'B1'), at('cashier', 'B1')],
    'B1',
    'approve',
    at('cashier', 'B1'),
  ],
  ['at a branch that is not assigned', [at('manager', 'B9')], 'B9', 'deny', null],
  ['at one that is not assigned, and everywhere', [at('manager', 'B9'), at('cashier')], 'B9', 'approve', at('cashier')],
  ['a role that the catalogue does not know', [at('gone')], null, 'deny', null],
]
describe('may they void a receipt?', () => {
  for (const [what, grants, branchId, decision, by] of VOID) {
    test(`${what}: ${decision}`, () => {
      const reason = decision === 'deny' ? 'not-granted' : 'granted'
      const answer = { permission: 'receipt.void', decision, reason, by }
      assert.deepEqual(ask(holder(...grants), 'receipt.void', branchId), answer)
    })
  }
})

describe('why not?', () => {
  const everything = [at('manager'), at('owner'), at('cashier', 'B1')]
  const denied = (reason: string, permission: string) => ({ permission, decision: 'deny', reason, by: null })

  test('who is suspended or terminated may do nothing, wherever', () => {
    for (const status of ['suspended', 'terminated'] as const) {
      const who = { ...holder(...everything), status }
      for (const permission of ['receipt.void', 'company.sell', 'nonsense']) {
        for (const branchId of [null, 'B1', 'B9']) {
          assert.deepEqual(ask(who, permission, branchId), denied(`user-${status}`, permission))
        }
      }
    }
  })

  test('a permission that no role has is unknown, whoever asks', () => {
    for (const permission of ['nonsense', 'Receipt.void', '', 'toString', '__proto__']) {
      assert.deepEqual(ask(holder(...everything), permission), denied('unknown-permission', permission))
    }
  })

  test('a permission that others have is known, and not granted', () => {
    assert.deepEqual(ask(holder(at('manager')), 'company.sell'), denied('not-granted', 'company.sell'))
  })

  test('an empty catalogue knows no permission', () => {
    const answer = decidePermission(holder(at('manager')), { version: 0, roles: [] }, 'receipt.void', null)
    assert.deepEqual(answer, denied('unknown-permission', 'receipt.void'))
  })
})

describe('everything that they may', () => {
  const listed = (who: Holder, branchId: string | null) => {
    const { permissions, ignored } = effectivePermissions(who, CATALOGUE, branchId)
    for (const [name, { permission }] of permissions) assert.equal(permission, name)
    return { ignored, may: Object.fromEntries([...permissions].map(([name, { effect, by }]) => [name, [effect, by]])) }
  }

  test('is the strongest of each permission, with the grant that decided', () => {
    const who = holder(at('cashier'), at('clerk', 'B1'), at('manager', 'B2'))
    const sell = { 'receipt.create': ['allow', at('cashier')] }
    assert.deepEqual(listed(who, null), {
      ignored: 0,
      may: { ...sell, 'receipt.void': ['approve', at('cashier')] },
    })
    assert.deepEqual(listed(who, 'B1'), {
      ignored: 0,
      may: { ...sell, 'receipt.void': ['approve', at('cashier')], 'stock.view': ['allow', at('clerk', 'B1')] },
    })
    assert.deepEqual(listed(who, 'B2'), {
      ignored: 0,
      may: { ...sell, 'receipt.void': ['allow', at('manager', 'B2')], 'stock.view': ['allow', at('manager', 'B2')] },
    })
  })

  test('is nothing for who is suspended or terminated, and nothing is counted', () => {
    for (const status of ['suspended', 'terminated'] as const) {
      assert.deepEqual(listed({ ...holder(at('manager'), at('clerk', 'B9')), status }, null), { ignored: 0, may: {} })
    }
  })

  test('leaves out grants at branches that are not assigned, and counts them wherever one asks', () => {
    const who = holder(at('empty', 'B1'), at('manager', 'B8'), at('manager', 'B9'))
    for (const branchId of [null, 'B1', 'B9']) assert.deepEqual(listed(who, branchId), { ignored: 2, may: {} })
  })
})

describe(`whatever is held (seed ${SEED})`, () => {
  const effect = fc.constantFrom<Effect>('allow', 'approve')
  const permission = fc.constantFrom('a', 'b', 'c')
  const names = ['r1', 'r2', 'r3', 'r4']
  const catalogue: fc.Arbitrary<RoleCatalogue> = fc
    .tuple(...names.slice(0, 3).map((name) => fc.dictionary(permission, effect).map((each) => role(name, each))))
    .map((roles) => ({ version: 1, roles }))
  const branch = fc.constantFrom(null, 'B1', 'B2', 'B9')
  const grants = fc.uniqueArray(fc.record({ role: fc.constantFrom(...names), branchId: branch }), {
    selector: (grant) => `${grant.role} ${grant.branchId}`,
    maxLength: 8,
  })
  const RANK = { deny: 0, approve: 1, allow: 2 }

  test('the order of grants and of roles changes no answer, nor its reason', () => {
    fc.assert(
      fc.property(catalogue, grants, permission, branch, (all, held, what, where) => {
        const answer = decidePermission(holder(...held), all, what, where)
        const reversed = { ...all, roles: all.roles.toReversed() }
        assert.deepEqual(decidePermission(holder(...held.toReversed()), reversed, what, where), answer)
      }),
      RUNS,
    )
  })

  test('one more grant never takes anything away', () => {
    fc.assert(
      fc.property(catalogue, grants, permission, branch, (all, held, what, where) => {
        const decision = (count: number) =>
          RANK[decidePermission(holder(...held.slice(0, count)), all, what, where).decision]
        for (let count = 1; count <= held.length; count += 1) assert.ok(decision(count) >= decision(count - 1))
      }),
      RUNS,
    )
  })

  test('the grant that decided is held, counts here, and gives exactly that', () => {
    fc.assert(
      fc.property(catalogue, grants, permission, branch, (all, held, what, where) => {
        const { decision, reason, by } = decidePermission(holder(...held), all, what, where)
        assert.equal(by === null, decision === 'deny')
        assert.equal(reason === 'granted', decision !== 'deny')
        if (by === null) return
        assert.ok(held.some((grant) => grant === by))
        assert.ok(by.branchId === null || (by.branchId === where && where !== 'B9'))
        const given = all.roles.find((each) => each.role === by.role)?.permissions.find((p) => p.permission === what)
        assert.equal(given?.effect, decision)
      }),
      RUNS,
    )
  })

  test('one question has the answer that the whole list has', () => {
    fc.assert(
      fc.property(catalogue, grants, branch, (all, held, where) => {
        const { permissions } = effectivePermissions(holder(...held), all, where)
        for (const what of ['a', 'b', 'c', 'd']) {
          const { decision, by } = decidePermission(holder(...held), all, what, where)
          const listed = permissions.get(what)
          assert.deepEqual([decision, by], listed ? [listed.effect, listed.by] : ['deny', null])
        }
      }),
      RUNS,
    )
  })
})
