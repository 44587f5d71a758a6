import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../test/support/users.ts'
import { bareUserBody, PERSONAL_FIELDS, personalFieldsSet, UserBody, userBody } from './user.ts'

test('a body shows every field of a user, in one order, the id first and the version last', () => {
  assert.equal(
    JSON.stringify(userBody(someUser())),
    '{"userId":7,"username":"ann.lee","employeeNumber":"E-0007","givenName":"Ann","familyName":"Lee",' +
      '"email":"ann.lee@example.com","phone":"+1 212 555 0107","jobTitle":"Cashier","status":"active",' +
      '"homeBranchId":"B001","branches":["B001","B002"],' +
      '"roles":[{"role":"cashier","branchId":null},{"role":"key-holder","branchId":"B001"}],' +
      '"limits":{"discount-percent":10},"preferences":{"theme":"dark"},' +
      '"createdAt":"2020-01-01T00:00:00.000Z","updatedAt":"2020-01-01T00:00:00.000Z","version":5}',
  )
})

test('without what is personal it is the same, in the same order, all but e-mail, phone and employee number', () => {
  assert.deepEqual(PERSONAL_FIELDS, ['employeeNumber', 'email', 'phone'])
  // Keys that somebody has chosen are not these fields.
  const user = someUser({ preferences: { email: 'weekly', phone: 'never', employeeNumber: 'hidden' } })
  const isShown = ([key]: [string, unknown]) => !['employeeNumber', 'email', 'phone'].includes(key)
  const shown = Object.fromEntries(Object.entries(userBody(user)).filter(isShown))
  assert.equal(JSON.stringify(bareUserBody(user)), JSON.stringify(shown))
  assert.deepEqual(UserBody.strict().parse(bareUserBody(user)), bareUserBody(user))
})

test('of a patch every personal field that is there is set, null too; of what was given defaults, all but null', () => {
  assert.deepEqual(personalFieldsSet({}, undefined), [])
  assert.deepEqual(personalFieldsSet({ phone: null, email: 'a@example.com' }, undefined), ['/email', '/phone'])
  assert.deepEqual(personalFieldsSet({ phone: null, email: null, employeeNumber: null }, null), [])
  assert.deepEqual(personalFieldsSet({ phone: null, email: null, employeeNumber: 'E-1' }, null), ['/employeeNumber'])
})

test('what a user has not is null or empty, never left out', () => {
  const nothing = { employeeNumber: null, email: null, phone: null, jobTitle: null, homeBranchId: null }
  const body = userBody(someUser({ ...nothing, branches: [], roles: [], limits: {}, preferences: {} }))
  assert.deepEqual(Object.keys(body), Object.keys(userBody(someUser())))
  assert.deepEqual(UserBody.parse(JSON.parse(JSON.stringify(body))), body)
})

test('what is documented is what is shown: the schema takes a body, and knows each of its fields', () => {
  const body = userBody(someUser())
  assert.deepEqual(UserBody.strict().parse(body), body)
  assert.deepEqual(Object.keys(UserBody.shape), Object.keys(body))
})

test('what older programs have written is shown as it is', () => {
  const user = someUser({ username: 'ANN LEE', email: 'none', phone: '?', homeBranchId: 'b/1', jobTitle: ' ' })
  assert.ok(UserBody.safeParse(userBody(user)).success)
})

test('a preference whose key all objects have is shown like any other', () => {
  const preferences: Record<string, string> = Object.create(null)
  for (const key of ['__proto__', 'constructor', 'toString']) preferences[key] = 'x'
  assert.match(
    JSON.stringify(userBody(someUser({ preferences }))),
    /\{"__proto__":"x","constructor":"x","toString":"x"\}/,
  )
})
