import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaMissing } from '../support/kafka.ts'
import { ACTIONS } from './actions.ts'
import { crash } from './crash.ts'

/** What is also a part of something greater is left to `make crash-kafka`, which does all of it again and again. */
const WITHOUT = ['relay killed', 'projector killed', 'broker killed']
const DONE = Object.keys(ACTIONS).filter((name) => !WITHOUT.includes(name))
/** Each once. */
const OPTIONS = { users: 1_000, seed: 7, steps: DONE.length, brokerDownMs: 0, without: WITHOUT }

test(`whatever is killed, everything is projected and nothing lost (seed ${OPTIONS.seed})`, {
  skip: kafkaMissing() ?? false,
}, async (t) => {
  await using stack = new AsyncDisposableStack()
  const { violations, looks, kills, parked, garbage, byAction } = await crash(
    { ...OPTIONS, say: (doing) => t.diagnostic(doing) },
    stack,
  )
  assert.deepEqual(violations, [])
  assert.deepEqual(Object.keys(byAction).sort(), DONE.toSorted())
  assert.ok(looks > 50 && kills > 10 && parked === garbage, `${looks} looks, ${kills} kills, ${parked} parked`)
})
