import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BurstRound } from './bursts.ts'
import { type Results, report, restOf } from './report.ts'
import { busyShare, readMachine } from './usage.ts'

const usage = (seconds: number, cpuSeconds: object) => ({ seconds, cpuSeconds, machineBusy: 0.75 })
const burst = (seconds: number): BurstRound => ({
  direct: [{ projectors: 1, changes: 1_000, usage: usage(seconds, { projectors: 0.5, redis: 0.1 }), peakMib: [200] }],
  published: [
    { changes: 900, usage: usage(0.1, { relay: 0.09, broker: 0.045 }), peakMib: 150, bytesPerChange: 100.25 },
    { changes: 900, usage: usage(0.3, { relay: 0.09, broker: 0.045 }), peakMib: 160, bytesPerChange: 101.25 },
  ],
  kafka: [
    {
      projectors: 4,
      changes: 800,
      usage: usage(seconds, { projectors: 0.4, redis: 0.08, broker: 0.02 }),
      peakMib: [210, 220, 190, 230],
    },
  ],
})
const counted = (applies: number) => [{ changes: 5_000, apart: false, applies }]
const seen = (most: number) => ({ afterMs: Array.from({ length: 100 }, (_, i) => ((i + 1) * most) / 100) })

const RESULTS: Results = {
  command: 'node bench/kafka.ts',
  date: '2026-01-02',
  machine: { cores: 2, cpu: 'A CPU', memoryGib: 23.5, node: 'v26.0.0', redis: '7.0.15', commit: 'abc1234' },
  users: 1_000,
  bursts: [burst(1), burst(2)],
  coalescing: [{ direct: counted(10), kafka: counted(5) }],
  visibility: [
    { direct: seen(20), kafka: seen(40) },
    { direct: seen(30), kafka: seen(40) },
  ],
}

/** The cells of the lines that begin with this cell. */
const rows = (page: string, first: string) =>
  page
    .split('\n')
    .filter((line) => line.startsWith(`| ${first} |`))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

test('a burst shows changes a second, and whose CPU time it took; in brackets the least and the most', () => {
  const [speed, cost] = rows(report(RESULTS), 'database → Redis')
  assert.deepEqual(speed?.slice(1), [
    ...['1', '750 (500–1,000)', '75 (75–75)', '0.38 (0.25–0.50)', '–', '0.08 (0.05–0.10)', '–'],
    ...['1.05 (0.90–1.20)', '200 (200–200)'],
  ])
  assert.deepEqual(cost?.slice(1), ['1', '500 (500–500)', '–', '100 (100–100)', '–'])
})

test('every publishing is a round of the relay; the memory is that of the largest worker', () => {
  const page = report(RESULTS)
  const [speed, cost] = rows(page, 'database → topic')
  assert.deepEqual(speed?.slice(1, 3), ['relay', '6,000 (3,000–9,000)'])
  assert.deepEqual(cost?.slice(1), ['relay', '–', '100 (100–100)', '–', '50 (50–50)'])
  assert.equal(rows(page, 'topic → Redis')[0]?.at(-1), '230 (230–230)')
  assert.match(page, /takes 100\.8 \(100\.3–101\.3\) bytes/)
})

test('single writes show percentiles of each round, and a single round no brackets', () => {
  const page = report(RESULTS)
  assert.deepEqual(rows(page, 'out of the database')[0]?.slice(1), [
    '12.5 (10.0–15.0)',
    '24.8 (19.8–29.7)',
    '25.0 (20.0–30.0)',
  ])
  assert.deepEqual(rows(page, '5,000')[0]?.slice(1), ['one', '10', '5'])
})

test('what was not measured is not mentioned', () => {
  const page = report({ ...RESULTS, bursts: [], coalescing: [], visibility: [] })
  assert.deepEqual(page.match(/^##? .*/gm), ['# Changes over Kafka: what they cost'])
})

test('what the machine did beside is what is left of its cores', () => {
  assert.equal(restOf({ seconds: 2, cpuSeconds: { projectors: 2, redis: 0.5 }, machineBusy: 0.75 }, 2), 0.25)
})

test('the machine’s time is idle or waiting, or else busy; guests’ time is in it already', () => {
  const stat = 'cpu  100 10 50 800 30 4 5 1 77 7\ncpu0 50 5 25 400 15 2 2 1 70 7\n'
  const before = readMachine(stat)
  assert.deepEqual(before, { busy: 170, total: 1_000 })
  assert.equal(busyShare(before, { busy: 320, total: 1_200 }), 0.75)
  for (const text of ['', 'cpu  1 2 3\n', 'cpu0 1 2 3 4 5 6 7 8\n']) assert.throws(() => readMachine(text))
})
