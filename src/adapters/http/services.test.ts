import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { branchOf, employmentOf } from '../../../test/neighbours/neighbours.ts'
import { callerWith } from '../../../test/neighbours/rig.ts'
import { branchesService, branchFrom } from './branches-service.ts'
import { employmentFrom, peopleService } from './people-service.ts'

/** What was asked, and always the same answer. */
function client(answer: unknown) {
  const asked: unknown[] = []
  const call = async (name: string, params: unknown) => {
    asked.push([name, params])
    return answer as never
  }
  return { asked, call }
}
const ODD = ['', '.', '..', 'a b', 'a,b', 'a/b', '\ud800', 'x'.repeat(33)]

describe('branches-service', () => {
  test('answers one each, in any order, and null for what it leaves out', async () => {
    const { asked, call } = client({ branches: [branchOf('B2'), branchOf('B1')] })
    const found = await branchesService({ call }).branches(['B1', 'B2', 'B3'], callerWith())
    assert.deepEqual(
      [...found],
      [
        ['B1', branchOf('B1')],
        ['B2', branchOf('B2')],
        ['B3', null],
      ],
    )
    assert.deepEqual(asked, [['branches', ['B1', 'B2', 'B3']]])
  })

  test('is not asked for what can be no branch', async () => {
    const { asked, call } = client({ branches: [branchOf('B1')] })
    const found = await branchesService({ call }).branches(['B1', ...ODD], callerWith())
    assert.deepEqual(found, new Map([['B1', branchOf('B1')], ...ODD.map((id): [string, null] => [id, null])]))
    assert.deepEqual(asked, [['branches', ['B1']]])
    await branchesService({ call }).branches(ODD, callerWith())
    assert.equal(asked.length, 1)
  })
})

describe('people-service', () => {
  test('is not asked for what can be no employee number', async () => {
    const { asked, call } = client(employmentOf('E-1'))
    const service = peopleService({ call })
    for (const number of ODD) assert.equal(await service.employment(number, callerWith()), null)
    assert.deepEqual(await service.employment('E-1', callerWith()), employmentOf('E-1'))
    assert.deepEqual(asked, [['employment', 'E-1']])
  })
})

test('a copy that was kept is checked as an answer is, and is of the one that was asked for', () => {
  assert.deepEqual(branchFrom({ ...branchOf('B1'), more: 1 }, 'B1'), branchOf('B1'))
  assert.deepEqual(employmentFrom(employmentOf('E-1'), 'E-1'), employmentOf('E-1'))
  const [branch, employment] = [branchOf('B1'), employmentOf('E-1')]
  for (const wrong of [
    null,
    1,
    {},
    { ...branch, name: 7 },
    { ...branch, name: 'x'.repeat(256) },
    { ...branch, openingHours: [{ day: 'x' }] },
    branchOf('B2'),
  ])
    assert.equal(branchFrom(wrong, 'B1'), undefined)
  for (const wrong of [null, { ...employment, startDate: 'soon' }, employmentOf('E-2')])
    assert.equal(employmentFrom(wrong, 'E-1'), undefined)
})
