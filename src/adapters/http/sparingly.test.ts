import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sparingly } from './sparingly.ts'

test('the first is said at once, the next ones are counted, and then one is said again', () => {
  const said: object[] = []
  let nowMs = 1_000
  const say = sparingly<{ what: string }>(
    (fields) => said.push(fields),
    () => nowMs,
  )
  for (const what of ['a', 'b', 'c']) say({ what })
  nowMs += 9_999
  say({ what: 'd' })
  nowMs += 1
  say({ what: 'e' })
  say({ what: 'f' })
  assert.deepEqual(said, [
    { what: 'a', more: 0 },
    { what: 'e', more: 3 },
  ])
})
