import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import { DomainError } from '../../domain/errors.ts'
import { projectGone, projectUser } from './project.ts'
import { bodiesFor, isKnown, isOutage, shown } from './shown.ts'

const ANN = shown(3, projectUser(someUser({ id: 3 })), 'redis')
const GONE = shown(4, projectGone(4, 7), 'database')

test('whoever is there is known; who is gone has a version, and no body', () => {
  assert.equal(isKnown(ANN), true)
  assert.equal(isKnown(GONE), false)
  assert.deepEqual([GONE.version, GONE.bodies, GONE.from], [7, null, 'database'])
})

test('a list has the bodies of those who are there, with what is personal for who may see it', () => {
  assert.ok(ANN.bodies)
  assert.deepEqual(bodiesFor([GONE, ANN, ANN], true), [ANN.bodies.full, ANN.bodies.full])
  assert.deepEqual(bodiesFor([ANN, GONE], false), [ANN.bodies.bare])
})

test('an outage is what the database says of itself, and nothing else', () => {
  for (const code of ['busy', 'database-unavailable'] as const) assert.equal(isOutage(new DomainError(code, 'x')), true)
  assert.equal(isOutage(new DomainError('version-unknown', 'x')), false)
  assert.equal(isOutage(Object.assign(new Error('x'), { code: 'busy' })), false)
})
