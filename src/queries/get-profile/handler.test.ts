import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { branchOf, employmentOf } from '../../../test/neighbours/neighbours.ts'
import { callerWith } from '../../../test/neighbours/rig.ts'
import type { Branch, Employment } from '../../domain/neighbours.ts'
import type { Foreign } from '../../projections/foreign/foreign-copies.ts'
import { getProfile } from './handler.ts'

type Given = {
  user?: object
  branches?: Record<string, Foreign<Branch>>
  employments?: Record<string, Foreign<Employment>>
}
const SOON = '2026-11-29T05:00:01.000Z'
const BEFORE = '2026-11-29T05:00:00.000Z'

const fresh = <T>(value: T | null): Foreign<T> => ({ state: 'fresh', value })

function asked({ user = {}, branches = {}, employments = {} }: Given) {
  const bytes = (more: object) =>
    Buffer.from(JSON.stringify({ branches: Object.keys(branches), homeBranchId: null, ...more }))
  const bodies = { full: bytes({ employeeNumber: null, ...user }), bare: bytes({}) }
  const told: [string, string[]][] = []
  const reads = <T>(what: string, known: Record<string, Foreign<T>>) => ({
    read: async (ids: string[]) => {
      told.push([what, ids])
      return new Map(Object.entries(known))
    },
  })
  const views = { byId: async (userId: number) => ({ userId, version: 1, bodies, from: 'redis' as const }) }
  const handle = getProfile({
    views,
    branches: reads('branches', branches),
    employments: reads('employments', employments),
  })
  return {
    told,
    bodies,
    ask: (...include: ('branches' | 'employment')[]) =>
      handle({ userId: 7, minVersion: 0, include, seesPersonal: true }, callerWith()),
    askWithoutPersonal: () =>
      handle({ userId: 7, minVersion: 0, include: ['employment'], seesPersonal: false }, callerWith()),
  }
}

describe('the part of the branches', () => {
  test('has the user’s, in their order, the home branch among them, and null for one that is unknown', async () => {
    const branches = { B2: fresh(branchOf('B2')), B1: fresh<Branch>(null) }
    const { parts, degraded } = await asked({ user: { homeBranchId: 'B1' }, branches }).ask('branches')
    const { branchId: _, ...details } = branchOf('B2')
    assert.deepEqual(parts, {
      branches: [
        { branchId: 'B2', home: false, details },
        { branchId: 'B1', home: true, details: null },
      ],
    })
    assert.deepEqual(degraded, [])
  })

  test('names what is old and what is missing, by reason, with the oldest time', async () => {
    const old = (branchId: string, reason: 'timeout' | 'refreshing', asOf: string): Foreign<Branch> => ({
      state: 'stale',
      value: branchOf(branchId),
      reason,
      asOf,
    })
    const branches: Given['branches'] = {
      B1: old('B1', 'timeout', SOON),
      B2: { state: 'missing', reason: 'timeout' },
      B3: old('B3', 'refreshing', SOON),
      B4: old('B4', 'timeout', BEFORE),
      B5: fresh(branchOf('B5')),
    }
    const { degraded } = await asked({ branches }).ask('branches')
    assert.deepEqual(degraded, [
      { part: 'branches', reason: 'timeout', asOf: BEFORE, branchIds: ['B1', 'B4'] },
      { part: 'branches', reason: 'timeout', asOf: null, branchIds: ['B2'] },
      { part: 'branches', reason: 'refreshing', asOf: SOON, branchIds: ['B3'] },
    ])
  })
})

describe('the part of the employment', () => {
  test('is what is known of the user’s number', async () => {
    const { told, ask } = asked({ user: { employeeNumber: 'E-1' }, employments: { 'E-1': fresh(employmentOf('E-1')) } })
    assert.deepEqual((await ask('employment')).parts, { employment: employmentOf('E-1') })
    assert.deepEqual(told, [['employments', ['E-1']]])
  })

  test('is asked for, and shown, to those who may not see the number as well, without it and the manager’s', async () => {
    const given = { user: { employeeNumber: 'E-1' }, employments: { 'E-1': fresh(employmentOf('E-1')) } }
    const { told, bodies, ask, askWithoutPersonal } = asked(given)
    assert.equal((await ask('employment')).body, bodies.full)
    const { body, parts } = await askWithoutPersonal()
    assert.equal(body, bodies.bare)
    assert.deepEqual(parts, {
      employment: {
        department: 'Sales',
        manager: { name: 'Nina Nowak' },
        startDate: '2021-03-01',
        leave: { from: '2026-12-01', until: null },
      },
    })
    assert.deepEqual(told[1], ['employments', ['E-1']])
    const without = { ...employmentOf('E-1'), manager: null }
    const alone = asked({ ...given, employments: { 'E-1': fresh(without) } })
    assert.equal((await alone.askWithoutPersonal()).parts.employment?.manager, null)
  })

  test('is null for who has no number, and nothing is wrong', async () => {
    const { parts, degraded } = await asked({}).ask('employment')
    assert.deepEqual([parts, degraded], [{ employment: null }, []])
  })

  test('that is missing is null, and named', async () => {
    const employments: Given['employments'] = { 'E-1': { state: 'missing', reason: 'circuit-open' } }
    const { parts, degraded } = await asked({ user: { employeeNumber: 'E-1' }, employments }).ask('employment')
    assert.deepEqual(
      [parts, degraded],
      [{ employment: null }, [{ part: 'employment', reason: 'circuit-open', asOf: null }]],
    )
  })
})
