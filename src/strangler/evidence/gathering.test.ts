import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { until } from '../../../test/support/service.ts'
import { type Evidence, MAX_PATHS, MAX_SAMPLES, OTHER_PATHS } from '../../ports/evidence.ts'
import { noEvidence } from './counts.ts'
import { gathering } from './gathering.ts'
import { LATENCY_BUCKETS_MS } from './latency.ts'

const NEVER_MS = 3_600_000
const AT = '2026-11-29T10:00:00.000Z'
const LATER = '2026-11-29T11:00:00.000Z'

function start(t: TestContext, { flushEveryMs = NEVER_MS } = {}) {
  const added: { routeId: string; since: string; delta: Evidence }[] = []
  const warnings: string[] = []
  const world = { at: null as string | null, isAway: false, gate: Promise.resolve() }
  const one = gathering({
    store: {
      async add(routeId, since, delta) {
        await world.gate
        if (world.isAway) throw new Error('away')
        added.push({ routeId, since, delta: structuredClone({ ...delta }) })
      },
    },
    modes: {
      of: () => ({
        mode: { mode: 'shadow' },
        setting: world.at === null ? null : { mode: 'shadow', reason: '', by: '', at: world.at },
      }),
    },
    log: { debug() {}, info() {}, error() {}, warn: (_, message) => void warnings.push(message) },
    now: () => new Date(LATER),
    flushEveryMs,
  })
  t.after(one.stop)
  const found = (path: string, outcome: 'mismatch' | 'noise' = 'mismatch', requestId = 'r') =>
    one.record('a', {
      ...{ outcome, requestId, answeredBy: 'legacy' },
      differences: [{ path, legacy: '"Xxxx"', native: 'null' }],
    })
  return { ...one, added, warnings, world, found }
}

test('what was seen is added by route, once', async (t) => {
  const { answered, compared, found, flush, added } = start(t)
  answered('a', 'legacy', false, 12)
  answered('a', 'legacy', true, 99_999)
  answered('a', 'native', false, 0.1)
  answered('b', 'native', true, 3)
  compared('a', 'equal')
  compared('a', 'dropped')
  compared('a', 'mismatch')
  found('/name')
  found('/at', 'noise')
  await flush()
  await flush()
  assert.deepEqual(
    added.map(({ routeId, since }) => [routeId, since]),
    [
      ['a', 'start'],
      ['b', 'start'],
    ],
  )
  const delta = added[0]?.delta
  assert.ok(delta)
  assert.deepEqual(
    [delta.legacy.requests, delta.legacy.failed, delta.native.requests, delta.native.failed],
    [2, 1, 1, 0],
  )
  assert.deepEqual([delta.legacy.buckets[9], delta.legacy.buckets[LATENCY_BUCKETS_MS.length]], [1, 1])
  assert.deepEqual(delta.native.buckets[0], 1)
  assert.deepEqual(delta.compared, { equal: 1, mismatch: 1, noise: 0, race: 0, failed: 0, dropped: 1 })
  assert.deepEqual([{ ...delta.paths }, { ...delta.noise }], [{ '/name': 1 }, { '/at': 1 }])
  assert.deepEqual(delta.samples, [
    {
      ...{ at: LATER, requestId: 'r', answeredBy: 'legacy' },
      differences: [{ path: '/name', legacy: '"Xxxx"', native: 'null' }],
    },
  ])
  assert.deepEqual([added[1]?.delta.native.requests, added[1]?.delta.native.failed], [1, 1])
})

test('what was seen in one mode is never counted for the next, also when it is added later', async (t) => {
  const { answered, flush, added, world } = start(t)
  answered('a', 'native', false, 1)
  world.at = AT
  answered('a', 'native', true, 1)
  answered('a', 'native', true, 1)
  world.isAway = true
  await flush()
  world.at = LATER
  answered('a', 'legacy', false, 1)
  world.isAway = false
  await flush()
  const counts = added.map(({ since, delta }) => [
    since,
    delta.native.requests,
    delta.native.failed,
    delta.legacy.requests,
  ])
  assert.deepEqual(counts.toSorted(), [
    [AT, 2, 2, 0],
    [LATER, 0, 0, 1],
    ['start', 1, 0, 0],
  ])
})

test('nothing is lost while the store is away: it is added with what follows, and said once', async (t) => {
  const { answered, compared, found, flush, added, warnings, world } = start(t)
  world.isAway = true
  for (let i = 0; i < 5; i += 1) {
    answered('a', 'legacy', i === 0, 12)
    compared('a', 'mismatch')
    found('/name', 'mismatch', `r${i}`)
    await flush()
  }
  assert.deepEqual([added.length, warnings.length], [0, 1])
  world.isAway = false
  await flush()
  const [{ delta } = { delta: noEvidence('') }] = added
  assert.deepEqual([delta.legacy.requests, delta.legacy.failed, delta.legacy.buckets[9]], [5, 1, 5])
  assert.deepEqual([delta.compared.mismatch, delta.paths['/name']], [5, 5])
  // Newest first.
  assert.deepEqual(
    delta.samples.map(({ requestId }) => requestId),
    ['r4', 'r3', 'r2', 'r1', 'r0'],
  )
  assert.equal(added.length, 1)
})

test('what is seen while it is being added is neither lost nor added twice', async (t) => {
  const { answered, found, flush, added, world } = start(t)
  let open = (): void => undefined
  world.gate = new Promise((resolve) => {
    open = resolve
  })
  answered('a', 'legacy', false, 1)
  found('/a', 'mismatch', 'older')
  world.isAway = true
  const first = flush()
  await Promise.resolve()
  answered('a', 'legacy', false, 1)
  found('/a', 'mismatch', 'newer')
  open()
  await first
  world.isAway = false
  await flush()
  assert.deepEqual(
    added.map(({ delta }) => delta.legacy.requests),
    [2],
  )
  assert.deepEqual(
    added[0]?.delta.samples.map(({ requestId }) => requestId),
    ['newer', 'older'],
  )
})

test('paths and samples are bounded; all are counted', async (t) => {
  const { found, flush, added } = start(t)
  const many = MAX_PATHS * 3
  for (let i = 0; i < many; i += 1) found(`/p${i}`, 'mismatch', `${'r'.repeat(500)}${i}`)
  found('constructor')
  found('__proto__')
  await flush()
  const [{ delta } = { delta: noEvidence('') }] = added
  assert.equal(Object.keys(delta.paths).length, MAX_PATHS + 1)
  assert.equal(delta.paths[OTHER_PATHS], many + 2 - MAX_PATHS)
  assert.equal(delta.samples.length, MAX_SAMPLES)
  assert.ok((delta.samples[0]?.requestId.length ?? 999) <= 128)
})

test('a name that every object has is a path as any other', async (t) => {
  const { found, flush, added } = start(t)
  found('constructor')
  await flush()
  assert.deepEqual(Object.entries(added[0]?.delta.paths ?? {}), [['constructor', 1]])
})

test('of what cannot be added for ever the oldest is forgotten', async (t) => {
  const { answered, flush, added, world } = start(t)
  world.isAway = true
  const modes = 600
  for (let i = 0; i < modes; i += 1) {
    world.at = `mode ${i}`
    answered('a', 'legacy', false, 1)
  }
  await flush()
  world.isAway = false
  await flush()
  const sinces = new Set(added.map(({ since }) => since))
  assert.deepEqual([sinces.size, sinces.has('mode 0'), sinces.has(`mode ${modes - 1}`)], [500, false, true])
})

test('it is added now and then by itself, and a last time when it stops', async (t) => {
  const { answered, added, stop } = start(t, { flushEveryMs: 2 })
  answered('a', 'legacy', false, 1)
  await until('it is added', async () => added.length === 1)
  answered('a', 'legacy', false, 1)
  await stop()
  assert.equal(
    added.reduce((sum, { delta }) => sum + delta.legacy.requests, 0),
    2,
  )
})
