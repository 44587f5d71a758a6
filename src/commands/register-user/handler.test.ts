import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { Details } from '../../domain/user.ts'
import type { Idempotency } from '../../ports/idempotency.ts'
import { decide } from './handler.ts'

const details: Details = {
  username: 'ann.lee',
  employeeNumber: null,
  givenName: 'Ann',
  familyName: 'Lee',
  email: 'ann.lee@example.com',
  phone: null,
  jobTitle: null,
}
const idempotency: Idempotency = { key: 'k', requestHash: 'h', answer: () => ({ status: 201, headers: {}, body: '' }) }
const by = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }

for (const homeBranchId of ['B001', null]) {
  test(`somebody is registered under the id given, with home branch ${homeBranchId}`, () => {
    const event = decide(7, { details, homeBranchId, by, idempotency }, AT)
    // Exactly this: the event is kept for ever, so it must not take along who asked, nor the key.
    assert.deepEqual(event, { type: 'user-registered', userId: 7, at: AT, details, homeBranchId })
  })
}
