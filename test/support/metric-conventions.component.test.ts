import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readExposition, seriesValue } from './exposition.ts'
import { conventionFaults } from './metric-conventions.ts'

const HELP = 'What it is.'
type Row = [name: string, type: string, faults: string[], labels?: string[], help?: string]
const family = ([name, type, , labels = [], help = HELP]: Row) => ({
  ...{ name, type, help },
  samples: [{ name, labels: Object.fromEntries(labels.map((label) => [label, 'x'])), value: 0 }],
})

const ROWS: Row[] = [
  ['users_call_duration_seconds', 'histogram', [], ['neighbour', 'le']],
  ['users_requests_total', 'counter', [], ['neighbour', 'read_source']],
  ['users_sent_bytes_total', 'counter', []],
  ['users_near_cache_hit_ratio', 'gauge', []],
  ['users_breaker_state', 'gauge', [], ['state']],
  ['process_cpu_seconds_total', 'counter', []],
  ['nodejs_heap_size_total_bytes', 'gauge', []],
  ['users_call_duration', 'histogram', ['without its unit, seconds']],
  ['users_read_latency_total', 'counter', ['without its unit, seconds']],
  ['users_near_cache_size', 'gauge', ['without its unit, bytes']],
  ['users_call_duration_ms', 'histogram', ['not a base unit', 'without its unit, seconds']],
  ['users_wait_milliseconds', 'histogram', ['not a base unit']],
  ['users_hits_percent', 'gauge', ['not a base unit']],
  ['users_seconds_waited', 'gauge', ['the unit comes last']],
  ['users_requests', 'counter', ['a counter ends with _total']],
  ['users_total_requests', 'counter', ['a counter ends with _total']],
  ['users_connections_total', 'gauge', ['_total, and no counter']],
  ['users_total_connections', 'gauge', ['_total, and no counter']],
  ['nodejs_handles_total', 'gauge', ['_total, and no counter']],
  ['usersRequests_total', 'counter', ['not in snake case', 'no prefix that says whose it is']],
  ['users__requests_total', 'counter', ['not in snake case']],
  ['users:requests_total', 'counter', ['not in snake case', 'no prefix that says whose it is']],
  ['requests_total', 'counter', ['no prefix that says whose it is']],
  ['users_calls_count', 'gauge', ['a suffix that means something else']],
  ['users_lag_gauge_seconds', 'gauge', ['the type is no part of it']],
  ['users_requests_total', 'counter', ['label readSource: not in snake case'], ['readSource']],
  ['users_requests_total', 'counter', ['label le: means something else'], ['le']],
  ['users_requests_total', 'counter', ['label instance: means something else'], ['instance']],
  ['users_requests_total', 'counter', ['help is a sentence'], [], 'requests'],
  ['users_requests_total', '', ['no type', '_total, and no counter']],
]

describe('a name that is against the conventions is found, and no other', () => {
  for (const row of ROWS) {
    const [name, type, faults, labels = []] = row
    test(`${name}{${labels}}, ${type}`, () => {
      assert.deepEqual(
        conventionFaults(family(row)),
        faults.map((fault) => `${name}: ${fault}`),
      )
    })
  }
})

const COUNTER = '# HELP a_total A.\n# TYPE a_total counter\n'

test('the text format is read', () => {
  const text = `${COUNTER}a_total{x="1,\\"2}",y="b"} 3\na_total 1.5e+3\n\n# HELP h H.\n# TYPE h histogram\nh_bucket{le="+Inf"} 2\nh_sum 0.5\nh_count 2\n`
  const [first, second] = readExposition(text)
  assert.deepEqual(first, {
    ...{ name: 'a_total', type: 'counter', help: 'A.' },
    samples: [
      { name: 'a_total', labels: { x: '1,\\"2}', y: 'b' }, value: 3 },
      { name: 'a_total', labels: {}, value: 1_500 },
    ],
  })
  assert.equal(second?.samples.length, 3)
  assert.equal(seriesValue(text, 'h_bucket', { le: '+Inf' }), 2)
  assert.throws(() => seriesValue(text, 'h_bucket'), /no series h_bucket/)
})

for (const [what, text] of [
  ['a sample without its family', 'a_total 1\n'],
  ['a sample of another family', `${COUNTER}b_total 1\n`],
  ['a histogram without its parts', '# HELP h H.\n# TYPE h histogram\nh 1\n'],
  ['a type without help', '# TYPE a_total counter\n'],
  ['a series twice', `${COUNTER}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`],
  ['a family twice', `${COUNTER}${COUNTER}`],
  ['labels that do not end', `${COUNTER}a_total{x="1} 1\n`],
  ['labels without commas', `${COUNTER}a_total{x="1"y="2"} 1\n`],
  ['no number', `${COUNTER}a_total one\n`],
  ['a last line that does not end', `${COUNTER}a_total 1`],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => readExposition(text))
  })
}
