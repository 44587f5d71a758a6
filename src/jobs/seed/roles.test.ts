import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT } from '../../../test/support/users.ts'
import { decideDefineRole, type Role } from '../../domain/role.ts'
import { RoleName } from '../../wire/fields.ts'
import { RoleDefinition } from '../../wire/role.ts'
import { seedRoles } from './roles.ts'

test('there are 24 roles, by name, each name once', () => {
  const names = seedRoles().map(({ role }) => role)
  assert.equal(names.length, 24)
  assert.deepEqual([...new Set(names)].sort(), names)
})

test('each is one that could have been defined over the API', () => {
  for (const { role, ...definition } of seedRoles()) {
    assert.equal(RoleName.parse(role), role)
    assert.deepEqual(RoleDefinition.parse(definition), definition)
    assert.ok(definition.permissions.length > 0, role)
  }
})

test('each stands as a definition would have left it: defining it again is nothing', () => {
  let roles: Role[] = []
  for (const role of seedRoles()) {
    assert.deepEqual(decideDefineRole({ version: 1, roles }, role, AT), [{ type: 'role-defined', role, at: AT }])
    roles = [...roles, role]
    assert.deepEqual(decideDefineRole({ version: 1, roles }, role, AT), [])
  }
})

test('some are privileged and some permissions need approval, so that both can be tried', () => {
  const roles = seedRoles()
  assert.deepEqual(new Set(roles.map(({ privileged }) => privileged)), new Set([true, false]))
  const effects = new Set(roles.flatMap(({ permissions }) => permissions.map(({ effect }) => effect)))
  assert.deepEqual(effects, new Set(['allow', 'approve']))
})

test('some permission is allowed by one role and needs approval by another', () => {
  const permissions = seedRoles().flatMap((role) => role.permissions)
  const allowed = new Set(permissions.filter(({ effect }) => effect === 'allow').map(({ permission }) => permission))
  assert.ok(permissions.some(({ permission, effect }) => effect === 'approve' && allowed.has(permission)))
})

test('each call gives roles of its own: changing one changes no other', () => {
  seedRoles()[0]?.permissions.pop()
  assert.deepEqual(seedRoles(), seedRoles())
  assert.notEqual(seedRoles()[0], seedRoles()[0])
})
