import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal } from '../../test/support/users.ts'
import { breakerSwitch, knownNeighbour, type Override, overrideFrom } from './breaker.ts'
import { NEIGHBOURS } from './neighbours.ts'

const OVERRIDE: Override = { to: 'open', reason: 'maintenance', by: 'local', at: '2024-06-01T09:00:00.000Z' }
/** As VARCHARs of the database. */
const [MAX_SWITCH_NAME, MAX_AUDITED_ID] = [64, 32]

test('every neighbour is known, and has a switch of its own, under a name that fits', () => {
  for (const neighbour of NEIGHBOURS) {
    assert.equal(knownNeighbour(neighbour), neighbour)
    assert.ok(breakerSwitch(neighbour).length <= MAX_SWITCH_NAME)
    assert.ok(neighbour.length <= MAX_AUDITED_ID)
  }
  assert.equal(new Set(NEIGHBOURS.map(breakerSwitch)).size, NEIGHBOURS.length)
})

test('nobody else is a neighbour', () => {
  for (const name of ['none', '', 'Branches-Service', 'toString'])
    assert.throws(() => knownNeighbour(name), refusal('neighbour-not-found'))
})

test('an override comes back from its switch; what a later release has put beside it is left out', () => {
  assert.equal(overrideFrom(null), null)
  assert.deepEqual(overrideFrom(JSON.stringify(OVERRIDE)), OVERRIDE)
  const closed = { ...OVERRIDE, to: 'closed' }
  assert.deepEqual(overrideFrom(JSON.stringify(closed)), closed)
  assert.deepEqual(overrideFrom(JSON.stringify({ ...OVERRIDE, until: 'x' })), OVERRIDE)
})

test('what is no override is none', () => {
  for (const setting of [
    '',
    '{',
    'null',
    '[]',
    '"open"',
    '7',
    '{"to":"open"}',
    JSON.stringify({ ...OVERRIDE, to: 'ajar' }),
  ])
    assert.equal(overrideFrom(setting), null, setting)
  assert.equal(overrideFrom(JSON.stringify({ ...OVERRIDE, by: null })), null)
})
