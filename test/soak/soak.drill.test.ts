import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULTS } from './faults.ts'
import { failures, report } from './report.ts'
import { soak } from './soak.ts'

const SEED = 20_261_125
/** Longer than each kind of fault takes once, on a machine that does other things as well. */
const MOST_SECONDS = 240

test(`each kind of fault once under load: no wrong answer, no change lost, no difference left (seed ${SEED})`, async (t) => {
  await using stack = new AsyncDisposableStack()
  const say = (doing: string) => t.diagnostic(doing)
  const size = { users: 600, calmMs: 1_500, pauseMs: 300, rounds: 1, seconds: MOST_SECONDS }
  const results = await soak({ ...size, seed: SEED, faults: Object.keys(FAULTS), say }, stack)
  assert.deepEqual(failures(results), [], report(results))
  const kinds = new Set(results.faults.map(({ kind }) => kind))
  assert.deepEqual([...kinds].sort(), Object.keys(FAULTS).sort())
  assert.ok(results.commands.done > 0 && results.foreignWrites.done > 0, report(results))
  // A checker that had looked at nothing would find nothing wrong.
  assert.ok(results.comparison.entries >= size.users, report(results))
})
