import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../test/support/users.ts'
import { UserBody, userBody } from './user.ts'

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
