import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAge, UNKNOWN_AGE } from './read-age.ts'

/** How long one text is said. */
const HOLD_MS = 50

function start() {
  const at = { nowMs: 10_000, feedMs: 120.2, provedAtMs: 9_900, asked: 0 }
  const freshness = {
    ageMs: () => {
      at.asked += 1
      return at.feedMs
    },
  }
  return { at, age: readAge({ freshness, provedAtMs: () => at.provedAtMs, now: () => at.nowMs }) }
}

test('Redis is as old as the feed says, this process older by what it may not have been told, the database is of now', () => {
  const { age } = start()
  assert.equal(age('redis'), String(121 + HOLD_MS))
  assert.equal(age('near'), String(221 + HOLD_MS))
  assert.equal(age('database'), '0')
})

test('one text is said for a while, and is an upper bound to its end', () => {
  const { at, age } = start()
  const said = Number(age('redis'))
  for (let ms = 0; ms < HOLD_MS; ms += 1) {
    assert.equal(age('redis'), String(said))
    assert.ok(said >= at.feedMs, `after ${ms} ms`)
    at.nowMs += 1
    at.feedMs += 1
  }
  assert.equal(at.asked, 1)
  assert.equal(age('redis'), String(said + HOLD_MS))
})

test('an age that nobody knows is not said, and is asked about again', () => {
  const { at, age } = start()
  at.feedMs = Number.POSITIVE_INFINITY
  assert.equal(age('redis'), null)
  assert.equal(age('near'), null)
  at.nowMs += HOLD_MS
  at.feedMs = 1
  assert.equal(age('redis'), String(1 + HOLD_MS))
  at.nowMs += HOLD_MS
  at.provedAtMs = Number.NEGATIVE_INFINITY
  assert.equal(age('near'), null)
})

test('a clock that has gone back makes nothing younger than now', () => {
  const { at, age } = start()
  at.feedMs = -5
  assert.equal(age('redis'), String(HOLD_MS))
})

test('while nobody can tell, nothing is said', () => {
  assert.equal(UNKNOWN_AGE('near'), null)
})
