import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal, someUser } from '../../../test/support/users.ts'
import type { Details, User } from '../../domain/user.ts'
import { decide } from './handler.ts'

type Patch = Parameters<typeof decide>[1]['changes']
const changed = (changes: Partial<Details>) => [{ type: 'details-changed', userId: 7, at: AT, changes }]

const OTHER: Details = {
  username: 'ann.smith',
  employeeNumber: 'E-0008',
  givenName: 'Anna',
  familyName: 'Smith',
  email: 'ann.smith@example.com',
  phone: '+1 212 555 0108',
  jobTitle: 'Shift manager',
}
const HELD: Details = {
  username: 'ann.lee',
  employeeNumber: 'E-0007',
  givenName: 'Ann',
  familyName: 'Lee',
  email: 'ann.lee@example.com',
  phone: '+1 212 555 0107',
  jobTitle: 'Cashier',
}

for (const [field, value] of Object.entries(OTHER)) {
  test(`${field} alone is changed`, () => {
    assert.deepEqual(decide(someUser(), { changes: { [field]: value } }, AT), changed({ [field]: value }))
  })
}

const HAPPENS: [what: string, user: Partial<User>, changes: Patch, event: Partial<Details>][] = [
  ['all are changed at once', {}, OTHER, OTHER],
  ['of what was sent, only what differs is in the event', {}, { ...HELD, jobTitle: 'Baker' }, { jobTitle: 'Baker' }],
  ['null clears', {}, { email: null, phone: null }, { email: null, phone: null }],
  ['what was empty is filled', { email: null }, { email: 'a@example.com' }, { email: 'a@example.com' }],
  ['undefined is as absent', {}, { email: undefined, jobTitle: 'Baker' }, { jobTitle: 'Baker' }],
  ['letter case is a difference', { username: 'ANN.LEE' }, { username: 'ann.lee' }, { username: 'ann.lee' }],
  ['a suspended user can be changed', { status: 'suspended' }, { givenName: 'Anna' }, { givenName: 'Anna' }],
]
for (const [what, user, changes, event] of HAPPENS) {
  test(what, () => assert.deepEqual(decide(someUser(user), { changes }, AT), changed(event)))
}

const NOTHING: [what: string, user: Partial<User>, changes: Patch][] = [
  ['no field', {}, {}],
  ['undefined only', {}, { email: undefined }],
  ['everything as it is', {}, HELD],
  ['null where nothing was', { phone: null }, { phone: null }],
  ['everything as it is, of a terminated user', { status: 'terminated' }, HELD],
]
for (const [what, user, changes] of NOTHING) {
  test(`${what}: nothing happens`, () => assert.deepEqual(decide(someUser(user), { changes }, AT), []))
}

test('a terminated user can’t be changed', () => {
  const user = someUser({ status: 'terminated' })
  for (const [field, value] of Object.entries(OTHER)) {
    assert.throws(() => decide(user, { changes: { [field]: value } }, AT), refusal('user-terminated'))
  }
})
