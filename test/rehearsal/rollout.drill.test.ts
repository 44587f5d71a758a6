import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fault, type Rehearsed, ROLLED, type Rolled, rehearse } from './rehearsal.ts'
import { SHORT } from './settings.ts'

const SEED = 20_261_130
/** On a machine with much else to do. */
const TEST_LIMIT_MS = 600_000
/** Never at once, so that who does not wait is seen; at most half of preStop. */
const PROPAGATION = { leastMs: 200, mostMs: 300 }

async function rollout(fault: Fault | null, rolled: Rolled[], say: (doing: string) => void): Promise<Rehearsed> {
  await using stack = new AsyncDisposableStack()
  const load = { users: 200, rate: 60, seed: SEED, limitMs: TEST_LIMIT_MS, calmMs: 300 }
  return await rehearse(
    { settings: SHORT, propagation: PROPAGATION, ...load, parts: ['rollout'], rolled, nodes: 2, fault, say },
    stack,
  )
}
const summary = ({ phases }: Rehearsed) =>
  phases
    .map(
      ({ name, requests, failures, repeated }) =>
        `${name}: ${requests}, ${failures.length} failed, ${repeated} repeated`,
    )
    .join('; ')

test('a rollout of everything under load: no request fails, no answer is old, no acknowledged command is lost', {
  timeout: TEST_LIMIT_MS,
}, async (t) => {
  const result = await rollout(null, [...ROLLED], (doing) => t.diagnostic(doing))
  t.diagnostic(summary(result))
  assert.deepEqual(result.faults, [])
  assert.deepEqual(result.ended.map(({ name }) => name.replace(/-\d+$/, '')).toSorted(), [
    'api',
    'api',
    'jobs',
    'projector',
    'projector',
  ])
  for (const { name, requests } of result.phases) assert.ok(requests > 0, `nothing was asked: ${name}`)
})

for (const fault of ['no-grace', 'readiness-ignored'] as const) {
  test(`planted: ${fault}: the rehearsal tells of requests that failed`, { timeout: TEST_LIMIT_MS }, async (t) => {
    const result = await rollout(fault, ['api'], () => undefined)
    t.diagnostic(summary(result))
    assert.ok(
      result.faults.some((told) => /^rollout: api: failed: (?:ECONNRESET|socket hang up)/.test(told)),
      result.faults.join('\n'),
    )
  })
}
