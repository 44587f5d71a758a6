import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sample } from '../resilience/open-load.ts'
import type { Compared } from './compared.ts'
import type { Cost, Costs } from './cost.ts'
import type { FaultPhase } from './faults.ts'
import type { AtRate, FlatOut } from './loads.ts'
import { failures, type Results, report } from './report.ts'
import type { ShadowCase, ShadowCost, ShadowCosts } from './shadow.ts'

const MIB = 1_048_576
const base: Results = {
  ...{ command: 'node bench/strangler.ts', date: '2026-01-02' },
  machine: { cores: 2, cpu: 'a CPU', memoryGib: 8, node: 'v26', redis: '7', commit: 'abc' },
  httpProxy: '1.2.3',
  pace: { seconds: 2, rounds: 2, ratePerSecond: 500 },
}

function loads<Who extends string>(cpuUs: Record<Who, number>, p50Ms: number) {
  const flatOut: FlatOut<Who> = {
    ...{ requests: 100, cpuUs, errors: 0, complaints: [], requestsPerSecond: 1_000, generatorCpuUs: 10 },
  }
  const atRate: AtRate<Who> = {
    ...{ requests: 50, cpuUs, errors: 0, complaints: [], p50Ms, p99Ms: 2 * p50Ms, lateP99Ms: 1 },
  }
  return { flatOut, atRate }
}

const cost = (proxy: number, p50Ms: number): Cost => loads({ proxy, legacy: 20 }, p50Ms)
const ways = (): Costs[keyof Costs] => ({
  direct: [cost(0, 0.1), cost(0, 0.2)],
  forwarder: [cost(20, 0.2), cost(30, 0.3)],
  'http-proxy': [cost(100, 0.4), cost(200, 0.5)],
  'users-service': [cost(50, 0.3), cost(180, 0.5)],
})
const costs = (): Costs => ({ 'GET 600 B': ways(), 'GET 64 KiB': ways(), 'POST 1 KiB': ways() })

const compared = (differing: Partial<Compared> = {}): Compared => ({
  ...{ equal: 0, mismatch: 0, noise: 0, race: 0, failed: 0, dropped: 0 },
  ...differing,
})
function shadowed(service: number, p50Ms: number, counts: { flatOut: Compared; atRate: Compared }): ShadowCost {
  return { ...loads({ service, legacy: 20, redis: 0 }, p50Ms), compared: counts }
}
function shadow(differing: Partial<ShadowCosts> = {}): ShadowCosts {
  const none = { flatOut: compared(), atRate: compared() }
  const all = { flatOut: compared({ equal: 100 }), atRate: compared({ equal: 50 }) }
  return {
    legacy: [shadowed(100, 0.3, none), shadowed(110, 0.4, none)],
    'legacy (other process)': [shadowed(100, 0.3, none), shadowed(110, 0.4, none)],
    'shadow, 100 % sampled': [shadowed(150, 0.2, all), shadowed(170, 0.5, all)],
    'shadow, 10 % sampled': [
      shadowed(106, 0.3, { flatOut: compared({ equal: 10 }), atRate: compared({ equal: 5 }) }),
      shadowed(115, 0.4, { flatOut: compared({ equal: 10 }), atRate: compared({ equal: 5 }) }),
    ],
    native: [shadowed(40, 0.2, none), shadowed(44, 0.3, none)],
    ...differing,
  }
}

const sample = (dueAtMs: number, tookMs: number, status = 200): Sample => ({
  ...{ dueAtMs, tookMs, status, lateMs: 0, reasons: [] },
  verdict: status === 200 ? 'whole' : 'error',
})
const phase = (differing: Partial<FaultPhase>): FaultPhase => ({
  ...{ name: 'well', isIll: false, beganAtMs: 0, openedAfterMs: null },
  ...{ native: [sample(1, 2)], proxied: [sample(2, 3)] },
  ...differing,
})
const faults = (...phases: FaultPhase[]) => ({ phases, complaints: { native: ['a complaint'] } })

/** The cells of the first row that begins so. */
function row(page: string, ...begins: string[]): string[] {
  const line = page.split('\n').find((one) => one.startsWith(`| ${begins.join(' | ')} |`))
  assert.ok(line, begins.join())
  return line
    .split(' | ')
    .slice(begins.length)
    .map((cell) => cell.replace(/ \|$/, ''))
}

test('what is passed on: medians and ranges, ratios to the usual library within a round, and what is added to a direct call', () => {
  const page = report({ ...base, costs: costs() })
  const [cpu, ratio, legacy, generator, rate] = row(page, '', 'users-service')
  assert.deepEqual([cpu, ratio], ['115 (50–180)', '0.70 (0.50–0.90)'])
  assert.deepEqual([legacy, generator, rate], ['20 (20–20)', '10', '1,000 (1,000–1,000)'])
  const atRate = page.slice(page.indexOf('At rate:'))
  const [p50, , added, , over] = row(atRate, '', 'users-service')
  assert.deepEqual([p50, added, over], ['0.40 (0.30–0.50)', '+0.25 (+0.20–+0.30)', '-0.05 (-0.10–0.00)'])
  assert.match(page, /GET 64 KiB: 0\.70 × the CPU time of http-proxy, and 0\.25 ms added/)
})

test('shadow: what the client waits more, and what a sample costs', () => {
  const page = report({ ...base, shadow: shadow() })
  const [, , added] = row(page, 'shadow, 100 % sampled')
  assert.equal(added, '0.00 (-0.10–+0.10)')
  assert.match(page, /changes by 0\.00 ms \(not to be told from none/)
  const costs = page.slice(page.indexOf('What it costs the service'))
  assert.equal(row(costs, 'shadow, 100 % sampled')[4], '55 (50–60)')
  assert.deepEqual(row(costs, 'shadow, 10 % sampled').slice(4), ['55 (50–60)', '111 (106–115)', '–'])
  const counts = page.slice(page.indexOf('| answers |'))
  assert.deepEqual(row(counts, 'shadow, 100 % sampled'), ['300', '300', '300', '0', '0'])
  assert.deepEqual(row(counts, 'shadow, 10 % sampled'), ['300', '30', '30', '0', '0'])
})

test('what the client plainly waits more is not called none', () => {
  const { legacy, ...others } = shadow()
  const slower = legacy.map((one) => ({ ...one, atRate: { ...one.atRate, p50Ms: one.atRate.p50Ms + 1 } }))
  const page = report({ ...base, shadow: { ...others, legacy, 'shadow, 100 % sampled': slower } })
  assert.match(page, /changes by \+1\.00 ms at the median/)
})

test('faults: answers, how fast they fail before and after the breaker opens, and how soon all is well', () => {
  const killed = [sample(10, 90, 502), sample(500, 4, 503)]
  const back = [sample(1_010, 5, 503), sample(1_300, 7), sample(1_301, 1)]
  const page = report({
    ...base,
    faults: faults(
      phase({}),
      phase({ name: 'killed', isIll: true, openedAfterMs: 300, proxied: killed }),
      phase({ name: 'restarted', beganAtMs: 1_000, proxied: back, native: [sample(1_001, 9)] }),
    ),
  })
  assert.deepEqual(row(page, 'killed').slice(0, 4), ['2.0', '2.0', '0', '502: 1, 503: 1'])
  const failing = page.slice(page.indexOf('How fast'))
  assert.deepEqual(row(failing, 'killed'), ['300', '90.0 / 90.0', '4.0 / 4.0', '–', '–'])
  assert.deepEqual(row(failing, 'restarted'), ['–', '–', '5.0 / 5.0', '302', '15'])
  assert.match(
    page,
    /no request failed; its p99 was 2\.0 to 2\.0 ms while the\nlegacy application was ill, and 2\.0 to 9\.0 ms/,
  )
})

test('large bodies: how much memory the process grew by', () => {
  const passed = {
    what: 'upload' as const,
    bytes: 1_000 * MIB,
    seconds: 2,
    beforeBytes: 200 * MIB,
    peakBytes: 250 * MIB,
  }
  const page = report({ ...base, memory: [{ ...passed, afterBytes: 210 * MIB }] })
  assert.deepEqual(row(page, 'upload'), ['1,000 MiB', '200', '250', '210', '50', '500 MiB/s'])
  assert.match(page, /grew by is 5\.0 %/)
})

test('nothing is wrong where nothing is', () => {
  const memory = [
    { what: 'download' as const, bytes: 1, seconds: 1, beforeBytes: 0, peakBytes: 256 * MIB, afterBytes: 0 },
  ]
  assert.deepEqual(failures({ ...base, costs: costs(), shadow: shadow(), faults: faults(phase({})), memory }), [])
})

const broken: [what: string, results: Partial<Results>, told: RegExp][] = [
  ['a wrong answer through a proxy', { costs: withError(costs()) }, /GET 600 B, forwarder: 2 errors\. why/],
  ['a mismatch of equal answers', { shadow: withCompared('native', { mismatch: 1 }) }, /native: comparisons/],
  ['a comparison that failed', { shadow: withCompared('legacy', { failed: 1 }) }, /legacy: comparisons/],
  [
    'a native request that failed',
    { faults: faults(phase({ native: [sample(1, 1, 502)] })) },
    /well: 1 requests of the native route failed\. a complaint/,
  ],
  [
    'no recovery',
    { faults: faults(phase({ proxied: [sample(1, 1, 503)] })) },
    /well: requests that are passed on still fail/,
  ],
  [
    'memory that grows',
    { memory: [{ what: 'download', bytes: 1, seconds: 1, beforeBytes: 0, peakBytes: 257 * MIB, afterBytes: 0 }] },
    /download: 257 MiB more/,
  ],
]
for (const [what, results, told] of broken) {
  test(`makes the run fail: ${what}`, () => {
    const [first = '', ...others] = failures({ ...base, ...results })
    assert.match(first, told)
    assert.deepEqual(others, [])
    assert.match(report({ ...base, ...results }), /## Errors/)
  })
}

test('what was left out of the comparisons is told, and fails nothing', () => {
  const left = withCompared('shadow, 10 % sampled', { dropped: 7 })
  assert.deepEqual(failures({ ...base, shadow: left }), [])
  const counts = report({ ...base, shadow: left })
  assert.equal(row(counts.slice(counts.indexOf('| answers |')), 'shadow, 10 % sampled').at(-1), '7')
})

function withError(all: Costs): Costs {
  const [first] = all['GET 600 B'].forwarder
  if (first) first.atRate = { ...first.atRate, errors: 2, complaints: ['why'] }
  return all
}

function withCompared(name: ShadowCase, differing: Partial<Compared>): ShadowCosts {
  const [first, ...others] = shadow()[name]
  assert.ok(first)
  const changed = { ...first.compared, flatOut: { ...first.compared.flatOut, ...differing } }
  return shadow({ [name]: [{ ...first, compared: changed }, ...others] })
}
