import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Finding } from '../../ports/evidence.ts'
import type { Comparison, LegacyCopy, LegacyRequest, LegacyRoute } from '../../ports/strangler.ts'
import { shadow } from './shadow.ts'

const SEED = 8
const RUNS = 3_000
/** So long, at most, until what was written is in our copies: they are waited for as long. */
const LAG = 20

type Write = { at: number; lag: number; field: 'a' | 'b'; value: number }
type World = {
  writes: Write[]
  /** How long each step takes: the way to the legacy application, the way back, ours, … */
  steps: number[]
  answeredBy: 'legacy' | 'native'
  /** Whether our answers have a version. */
  isVersioned: boolean
  /** Whether what is in `b` comes out wrong at our side. */
  isFaulty: boolean
  /** Whether the legacy application says something else each time. */
  isNoisy: boolean
}

/** Few values, so that things become again what they were. */
const write = fc.record({
  at: fc.nat(80),
  lag: fc.nat(LAG),
  field: fc.constantFrom('a' as const, 'b' as const),
  value: fc.nat(2),
})
const world: fc.Arbitrary<World> = fc.record({
  writes: fc.array(write, { maxLength: 6 }),
  steps: fc.array(fc.nat(8), { minLength: 20, maxLength: 20 }),
  answeredBy: fc.constantFrom('legacy' as const, 'native' as const),
  isVersioned: fc.boolean(),
  isFaulty: fc.boolean(),
  isNoisy: fc.boolean(),
})

/** Compares once in such a world, in time that the test tells. */
async function run({ steps, answeredBy, isVersioned, isFaulty, isNoisy, ...given }: World) {
  let seenAt = 0
  const writes = given.writes
    .toSorted((one, other) => one.at - other.at)
    .map((one) => {
      // What was written later never reaches our copies first.
      seenAt = Math.max(one.at + one.lag, seenAt)
      return { ...one, seenAt }
    })
  const clock = { now: 20 }
  let step = 0
  const pass = () => {
    clock.now += steps[step % steps.length] ?? 0
    step += 1
  }
  const stateAfter = (done: Write[]) =>
    Object.assign({ a: 0, b: 0, n: done.length }, ...done.map(({ field, value }) => ({ [field]: value })))
  let calls = 0
  const legacy = async (): Promise<LegacyCopy> => {
    pass()
    const { n: _, ...fields } = stateAfter(writes.filter(({ at }) => at <= clock.now))
    pass()
    calls += 1
    const body = isNoisy ? { ...fields, call: calls } : fields
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) }
  }
  const native = async () => {
    pass()
    const { n, a, b } = stateAfter(writes.filter(({ seenAt }) => seenAt <= clock.now))
    pass()
    const body = { a, b: isFaulty ? b + 100 : b, ...(isNoisy ? { call: 0 } : {}) }
    return { status: 200, headers: {}, body, version: isVersioned ? String(n) : null }
  }
  const route: LegacyRoute = {
    id: 'r',
    scopes: ['users:read'],
    method: 'GET',
    path: '/',
    stickyBy: 'user',
    rules: {},
    takes: () => true,
    answer: native,
  }
  const request = { by: { requestId: 'r' } } as LegacyRequest
  const first = await (answeredBy === 'legacy' ? legacy() : native())
  return new Promise<{ outcome: Comparison; paths: string[] }>((resolve) => {
    let outcome: Comparison = 'failed'
    let found: Finding | null = null
    const one = shadow({
      concurrent: 1,
      samplePercent: 100,
      modes: { of: () => ({ mode: { mode: 'shadow' }, setting: null }) },
      observer: {
        compared: (_, ended) => {
          outcome = ended
          setImmediate(() => resolve({ outcome, paths: found?.differences.map(({ path }) => path) ?? [] }))
        },
      },
      record: (_, finding) => {
        found = finding
      },
      log: { debug() {}, info() {}, warn() {}, error() {} },
      settle: async () => {
        clock.now += LAG
      },
    })
    const look = one.begin(route)
    if ('version' in first) look?.ofNative(request, first, legacy)
    else look?.ofLegacy(request, first, legacy)
  })
}

const count = new Map<string, number>()
const tally = (outcome: string) => count.set(outcome, (count.get(outcome) ?? 0) + 1)

test('whatever is written meanwhile, right answers never end as a mismatch', async (t) => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const { outcome } = await run({ ...given, isFaulty: false, isVersioned: true })
      tally(outcome)
      assert.notEqual(outcome, 'mismatch')
      assert.notEqual(outcome, 'failed')
    }),
    { seed: SEED, numRuns: RUNS },
  )
  t.diagnostic(`seed ${SEED}: ${JSON.stringify(Object.fromEntries(count))}`)
  for (const outcome of ['equal', 'race', 'noise']) assert.ok((count.get(outcome) ?? 0) > RUNS / 50, outcome)
})

test('of what comes out wrong nothing but that is a mismatch, whatever is written meanwhile', async () => {
  let mismatches = 0
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const { outcome, paths } = await run({ ...given, isFaulty: true, isVersioned: true })
      assert.notEqual(outcome, 'equal')
      if (outcome !== 'mismatch') return
      mismatches += 1
      assert.deepEqual(paths, ['/b'])
    }),
    { seed: SEED, numRuns: RUNS },
  )
  assert.ok(mismatches > RUNS / 10, `${mismatches}`)
})

test('what comes out wrong is found whenever nobody writes, with and without versions', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const { outcome, paths } = await run({ ...given, writes: [], isFaulty: true })
      assert.deepEqual([outcome, paths], ['mismatch', ['/b']])
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test('without versions a single write never ends as a mismatch', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const { outcome } = await run({ ...given, writes: given.writes.slice(0, 1), isFaulty: false, isVersioned: false })
      assert.notEqual(outcome, 'mismatch')
    }),
    { seed: SEED, numRuns: RUNS },
  )
})
