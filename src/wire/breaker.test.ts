import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEIGHBOURS } from '../domain/neighbours.ts'
import { BreakerForcing, NeighbourParam } from './breaker.ts'

const good = { forced: 'open', reason: 'Maintenance until 22:00' }

test('a breaker is forced open or closed, with a reason of 1 to 255 characters', () => {
  for (const body of [
    good,
    { ...good, forced: 'closed' },
    { ...good, reason: 'x' },
    { ...good, reason: '👋'.repeat(255) },
  ])
    assert.deepEqual(BreakerForcing.parse(body), body)
})

const BAD: [what: string, body: unknown, fault: PropertyKey[]][] = [
  ['no state', { reason: 'x' }, ['forced']],
  ['half-open', { ...good, forced: 'half-open' }, ['forced']],
  ['no reason', { forced: 'open' }, ['reason']],
  ['an empty reason', { ...good, reason: '' }, ['reason']],
  ['a reason of blanks', { ...good, reason: '  ' }, ['reason']],
  ['a reason that is too long', { ...good, reason: 'x'.repeat(256) }, ['reason']],
  ['a reason of two lines', { ...good, reason: 'a\nb' }, ['reason']],
  ['more', { ...good, until: '22:00' }, []],
  ['a list', [good], []],
]
for (const [what, body, fault] of BAD) {
  test(`${what} is refused at its place`, () => {
    assert.deepEqual(
      BreakerForcing.safeParse(body).error?.issues.map(({ path }) => path),
      [fault],
    )
  })
}

test('every neighbour’s name is one that a path may hold', () => {
  for (const neighbour of NEIGHBOURS) assert.ok(NeighbourParam.safeParse(neighbour).success)
  for (const name of ['', 'a_b', 'A', 'a'.repeat(33)]) assert.ok(!NeighbourParam.safeParse(name).success, name)
})
