import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { MIN_VERSION, NoMinVersion, parseMinVersion } from './min-version.ts'

const GOOD: [header: string, user: number, roles: number][] = [
  ['user=7', 7, 0],
  ['user=0', 0, 0],
  ['user=7, roles=3', 7, 3],
  ['user=7,roles=3', 7, 3],
  ['user=7 \t,\t roles=3', 7, 3],
  ['user=007', 7, 0],
  ['user=9007199254740991, roles=9007199254740991', 9_007_199_254_740_991, 9_007_199_254_740_991],
  ['user=9999999999999999', 1e16, 0],
]
for (const [header, user, roles] of GOOD) {
  test(`${header} asks for user ${user} and roles ${roles} at least`, () => {
    assert.deepEqual(parseMinVersion(header), { user, roles })
  })
}

const BAD = [
  ...[
    '',
    '7',
    'user',
    'user=',
    'user=x',
    'user=-1',
    'user=1.5',
    'user=1e3',
    'user=0x1',
    'user= 7',
    'user =7',
    ' user=7',
  ],
  ...['user=7 ', 'user=7,', 'user=7;roles=3', 'user=7 roles=3', 'roles=3', 'roles=3, user=7', 'user=7, user=8'],
  ...['user=7, roles=', 'user=7, roles=x', 'user=7, roles=3, x=1', 'User=7', '"user=7"', 'user=7\nroles=3'],
  ...['user=99999999999999999', 'user=7, roles=99999999999999999'],
]
for (const header of BAD) {
  test(`${JSON.stringify(header)} is refused`, () => assert.equal(parseMinVersion(header), null))
}

test('the header of a route is parsed, and may be absent', () => {
  const headers = z.looseObject(MIN_VERSION)
  assert.deepEqual(headers.parse({ 'min-version': 'user=7', host: 'x' })['min-version'], { user: 7, roles: 0 })
  assert.equal(headers.parse({ host: 'x' })['min-version'], undefined)
})

test('what is wrong with it is said, and where', () => {
  const refused = [
    z.looseObject(MIN_VERSION).safeParse({ 'min-version': 'user' }),
    NoMinVersion.safeParse({ 'min-version': 'user=7' }),
  ]
  for (const { error } of refused) {
    assert.deepEqual(
      error?.issues.map(({ path }) => path),
      [['min-version']],
    )
    assert.ok((error?.issues[0]?.message.length ?? 0) > 10)
  }
  assert.ok(NoMinVersion.safeParse({ host: 'x' }).success)
})
