import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaMissing } from '../support/kafka.ts'
import { ACTIONS } from './actions.ts'
import { crash } from './crash.ts'

/** Each thing once. `make crash-kafka` does it a hundred times and more. */
const OPTIONS = { users: 2_000, seed: 7, steps: Object.keys(ACTIONS).length, brokerDownMs: 5_000 }

test(`whatever is killed, everything is projected and nothing lost (seed ${OPTIONS.seed})`, {
  skip: kafkaMissing() ?? false,
}, async (t) => {
  await using stack = new AsyncDisposableStack()
  const { violations, looks, kills, parked, garbage, byAction } = await crash(
    { ...OPTIONS, say: (doing) => t.diagnostic(doing) },
    stack,
  )
  assert.deepEqual(violations, [])
  assert.deepEqual(Object.keys(byAction).sort(), Object.keys(ACTIONS).sort())
  assert.ok(looks > 50 && kills > 10 && parked === garbage, `${looks} looks, ${kills} kills, ${parked} parked`)
})
