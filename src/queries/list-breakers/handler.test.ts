import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { DomainError } from '../../domain/errors.ts'
import type { BreakerReport } from '../../ports/neighbours.ts'
import { listBreakers } from './handler.ts'

const OVERRIDE = { to: 'open', reason: 'maintenance', by: 'local', at: AT }
const PEOPLE: BreakerReport = { neighbour: 'people-service', state: 'half-open', forced: null, since: AT }

const listed = (reports: BreakerReport[], settings: Record<string, string>) =>
  listBreakers({
    breakers: { reports: () => reports },
    switches: { settings: () => new Map(Object.entries(settings)) },
  })()

test('each neighbour is shown, in one order, also those that are not configured', () => {
  assert.deepEqual(listed([PEOPLE], {}), [
    { neighbour: 'branches-service', state: 'not-configured', forced: null, since: null },
    { neighbour: 'people-service', state: 'half-open', forced: null, since: AT },
    { neighbour: 'legacy', state: 'not-configured', forced: null, since: null },
  ])
})

test('what is forced is shown with who, why and when, whether there is a breaker here or not', () => {
  const setting = JSON.stringify(OVERRIDE)
  const shown = listed([{ ...PEOPLE, state: 'open', forced: 'open' }], {
    'breaker:people-service': setting,
    'breaker:branches-service': setting,
  })
  assert.deepEqual(shown, [
    { neighbour: 'branches-service', state: 'not-configured', forced: OVERRIDE, since: null },
    { neighbour: 'people-service', state: 'open', forced: OVERRIDE, since: AT },
    { neighbour: 'legacy', state: 'not-configured', forced: null, since: null },
  ])
})

test('while nobody knows what is set, it is not shown as unforced', () => {
  const unknown = () => {
    throw new DomainError('database-unavailable', 'not read yet')
  }
  const list = listBreakers({ breakers: { reports: () => [PEOPLE] }, switches: { settings: unknown } })
  assert.throws(list, refusal('database-unavailable'))
})
