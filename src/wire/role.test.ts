import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many } from '../../test/support/users.ts'
import { MAX_PERMISSIONS_PER_ROLE } from '../domain/role.ts'
import { CatalogueBody, RoleDefinition, roleBody } from './role.ts'

const good = { title: 'Cashier', privileged: false, permissions: [{ permission: 'receipt.void', effect: 'approve' }] }
const [permission] = good.permissions

test('a role is defined by title, privileged and permissions', () => {
  assert.deepEqual(RoleDefinition.parse(good), good)
  assert.ok(RoleDefinition.safeParse({ ...good, permissions: [] }).success)
  const full = many(MAX_PERMISSIONS_PER_ROLE, (i) => ({ permission: `p${i}`, effect: 'allow' }))
  assert.ok(RoleDefinition.safeParse({ ...good, permissions: full }).success)
})

const BAD: [what: string, definition: unknown, fault: PropertyKey[]][] = [
  ['no title', { ...good, title: undefined }, ['title']],
  ['an empty title', { ...good, title: '' }, ['title']],
  ['a title that is too long', { ...good, title: 'a'.repeat(64) }, ['title']],
  ['privileged as text', { ...good, privileged: 'false' }, ['privileged']],
  ['no permissions', { ...good, permissions: undefined }, ['permissions']],
  ['a permission without a name', { ...good, permissions: [{ effect: 'allow' }] }, ['permissions', 0, 'permission']],
  ['deny', { ...good, permissions: [{ ...permission, effect: 'deny' }] }, ['permissions', 0, 'effect']],
  ['a permission with more', { ...good, permissions: [{ ...permission, more: 1 }] }, ['permissions', 0]],
  [
    'one permission too many',
    { ...good, permissions: many(MAX_PERMISSIONS_PER_ROLE + 1, () => permission) },
    ['permissions'],
  ],
  ['its name in the body', { ...good, role: 'cashier' }, []],
  ['a list', [good], []],
]
for (const [what, definition, fault] of BAD) {
  test(`a definition with ${what} is refused at its place`, () => {
    assert.deepEqual(
      RoleDefinition.safeParse(definition).error?.issues.map(({ path }) => path),
      [fault],
    )
  })
}

test('a role is shown in one order of fields', () => {
  const role = { permissions: [], privileged: true, title: 'Auditor', role: 'auditor' }
  assert.equal(
    JSON.stringify(roleBody(role)),
    '{"role":"auditor","title":"Auditor","privileged":true,"permissions":[]}',
  )
  assert.ok(CatalogueBody.safeParse({ version: 3, roles: [roleBody(role)] }).success)
})
