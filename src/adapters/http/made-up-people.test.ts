import assert from 'node:assert/strict'
import { test } from 'node:test'
import { many } from '../../../test/support/users.ts'
import type { Employment } from '../../domain/neighbours.ts'
import { seedUsers } from '../../jobs/seed/users.ts'
import { madeUpEmployment } from './made-up-people.ts'

const TODAY = new Date('2026-05-20T23:59:59.999Z')
const DAY_MS = 86_400_000
const COUNT = 2_000

const numbered = (n: number) => `E-${String(n).padStart(7, '0')}`
const everybodyOn = (day: Date): Employment[] =>
  many(COUNT, (n) => madeUpEmployment(numbered(n + 1), day)).filter((employment) => employment !== null)
const everybody = everybodyOn(TODAY)
const isDate = (text: string) => new Date(text).toISOString().slice(0, 10) === text

test('everybody of the made-up users who has a number is known, under it', () => {
  assert.equal(everybody.length, COUNT)
  for (const { employeeNumber } of seedUsers({ count: COUNT, seed: 3 })) {
    if (employeeNumber === null) continue
    assert.equal(madeUpEmployment(employeeNumber, TODAY)?.employeeNumber, employeeNumber)
  }
  assert.notEqual(madeUpEmployment(numbered(123_456_789), TODAY), null)
})

test('numbers of another form are nobody’s', () => {
  const others = [
    '',
    'E-0000000',
    'E-1',
    'E-000001',
    'E-00000001',
    'e-0000001',
    'E0000001',
    'E-0000001 ',
    'E-0000001\n',
  ]
  for (const number of [...others, `E-1${'0'.repeat(15)}`, 'X-0000001', 'E-000000x']) {
    assert.equal(madeUpEmployment(number, TODAY), null, JSON.stringify(number))
  }
})

test('the same one is always the same', () => {
  assert.deepEqual(madeUpEmployment('E-0000001', TODAY), {
    employeeNumber: 'E-0000001',
    department: 'Fresh food',
    manager: { employeeNumber: 'E-9000008', name: 'Tadeusz Młynarz' },
    startDate: '2010-01-18',
    leave: { from: '2026-10-06', until: '2026-10-21' },
  })
  assert.deepEqual(everybodyOn(TODAY), everybody)
})

test('they differ in department, manager and start, all of them in the past', () => {
  const departments = new Set(everybody.map(({ department }) => department))
  assert.ok(departments.size >= 8)
  assert.ok(new Set(everybody.map(({ startDate }) => startDate)).size > 1_000)
  for (const { startDate } of everybody) assert.ok(isDate(startDate) && startDate >= '2008' && startDate < '2025')
})

test('managers have one name each, and are employed too; theirs is one who has none', () => {
  const names = new Map<string, string>()
  for (const { manager } of everybody) {
    assert.ok(manager)
    assert.equal(names.get(manager.employeeNumber) ?? manager.name, manager.name)
    names.set(manager.employeeNumber, manager.name)
  }
  assert.ok(names.size > 15)
  const directors = [...names.keys()].map((number) => {
    const employment = madeUpEmployment(number, TODAY)
    assert.equal(employment?.department, 'Management')
    return employment?.manager
  })
  const [director] = directors
  assert.ok(director && !names.has(director.employeeNumber))
  assert.deepEqual(new Set(directors.map((found) => found?.employeeNumber)), new Set([director.employeeNumber]))
  assert.equal(madeUpEmployment(director.employeeNumber, TODAY)?.manager, null)
})

test('some are on leave, some of them until further notice; some will be; many have none', () => {
  const today = TODAY.toISOString().slice(0, 10)
  const leaves = everybody.map(({ leave }) => leave).filter((leave) => leave !== null)
  const shares = {
    none: COUNT - leaves.length,
    present: leaves.filter(({ from }) => from <= today).length,
    openEnded: leaves.filter(({ until }) => until === null).length,
  }
  assert.ok(shares.none > 600 && shares.none < 1_000, JSON.stringify(shares))
  assert.ok(shares.openEnded > 30 && shares.openEnded < 100, JSON.stringify(shares))
  assert.ok(shares.present > shares.openEnded + 20, JSON.stringify(shares))
})

test('a leave is the present one or the next, whatever the day, and of one person always the same weeks', () => {
  for (const day of ['2026-01-01', '2026-12-31', '2027-07-15', '2028-02-29', '2041-06-01']) {
    for (const { startDate, leave } of everybodyOn(new Date(day))) {
      if (!leave) continue
      assert.ok(isDate(leave.from) && leave.from > startDate)
      if (leave.until === null) {
        assert.ok(leave.from < day)
        continue
      }
      const days = (Date.parse(leave.until) - Date.parse(leave.from)) / DAY_MS + 1
      assert.ok(isDate(leave.until) && leave.until >= day && days >= 5 && days <= 21, JSON.stringify(leave))
      assert.ok(Date.parse(leave.from) - Date.parse(day) < 367 * DAY_MS, `${day}: ${leave.from} is not the next`)
    }
  }
})

test('a leave lasts its last day, and at the turn of the year too', () => {
  const overNewYear = everybodyOn(new Date('2027-01-02')).filter(({ leave }) => leave?.from.startsWith('2026'))
  assert.ok(overNewYear.length > 5)
  for (const { employeeNumber, leave } of everybody) {
    if (!leave?.until) continue
    const lastMoment = new Date(`${leave.until}T23:59:59.999Z`)
    assert.deepEqual(madeUpEmployment(employeeNumber, lastMoment)?.leave, leave)
    const after = madeUpEmployment(employeeNumber, new Date(lastMoment.getTime() + 1))?.leave
    assert.ok(after && after.from > leave.until)
  }
})
