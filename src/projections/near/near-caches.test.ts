import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InvalidationListener } from '../../ports/invalidations.ts'
import { readModelKeys } from '../keys.ts'
import { nearCaches } from './near-caches.ts'
import type { NearUser } from './near-user.ts'
import { CATALOGUE } from './near-views.ts'

const keys = readModelKeys('near', 7)
const ANSWER = { etag: '"1"', body: '{}' }
const user = (userId: number): NearUser => ({ userId, version: 1, full: ANSWER, bare: ANSWER, username: null })

/** Both caches, up, with users 1 and 2 and the catalogue in them. */
function start() {
  let listener: InvalidationListener | undefined
  const age = { isOld: false }
  const near = nearCaches({
    invalidations: {
      start: (given) => {
        listener = given
      },
      provedAtMs: () => performance.now(),
      watch: () => undefined,
      stop: () => undefined,
    },
    keys,
    freshness: { isOld: () => age.isOld },
    maxBytes: 1_000_000,
  })
  assert.ok(listener)
  listener.onUp()
  for (const id of [1, 2]) near.users.keep(near.users.begin(id), user(id))
  near.roles.keep(near.roles.begin(CATALOGUE), { version: 1, roles: [] })
  const held = () => [near.users.get(1), near.users.get(2), near.roles.get(CATALOGUE)].map((one) => one !== undefined)
  assert.deepEqual(held(), [true, true, true])
  return { listener, age, held }
}

test('a key of a user, or of the catalogue, takes away what it stands for', () => {
  const { listener, held } = start()
  listener.onInvalidated(keys.user(1))
  assert.deepEqual(held(), [false, true, true])
  listener.onInvalidated(keys.roles)
  assert.deepEqual(held(), [false, true, false])
})

for (const key of [null, 'somebody:else', keys.user(0)]) {
  test(`all keys, or one that may stand for anything (${key}), take away everything`, () => {
    const { listener, held } = start()
    listener.onInvalidated(key)
    assert.deepEqual(held(), [false, false, false])
  })
}

test('while changes wait to be handled nothing is proved, and nothing served', () => {
  const { age, held } = start()
  age.isOld = true
  assert.deepEqual(held(), [false, false, false])
  age.isOld = false
  assert.deepEqual(held(), [true, true, true])
})

test('what was held when the connection went is not held when it is back', () => {
  const { listener, held } = start()
  listener.onDown('closed')
  listener.onUp()
  assert.deepEqual(held(), [false, false, false])
})
