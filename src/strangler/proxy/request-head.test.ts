import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forwarding } from './forwarding.ts'
import type { RawHeaders } from './raw-headers.ts'
import { type Asked, requestHead } from './request-head.ts'

const HOST = ['Host', 'shop']
const asked = (rawHeaders: RawHeaders, given: Partial<Asked> = {}): Asked => ({
  ...{ method: 'GET', target: '/', httpVersion: '1.1', rawHeaders },
  peer: { address: '203.0.113.9', isEncrypted: false },
  ...given,
})
const TRACE = { traceparent: '00-ours-01-01', tracestate: 'us=1' }
const head = (one: Asked, isTracing: boolean | null = null) =>
  requestHead(one, {
    ...{ prefix: '', authority: 'legacy:8000', requestId: 'r1', withheld: () => false },
    forward: forwarding([]),
    tracing: isTracing === null ? null : { isTracing: () => isTracing, ofCall: () => TRACE },
  })
/** The values of a name, in the order in which they go out. */
const valuesIn = (headers: RawHeaders, name: string): string[] =>
  headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name)

// Node's parser refuses these by itself, as long as it is as strict as it is now.
for (const [what, lines, detail] of [
  ['a length that is no number', ['Content-Length', '0x5'], /is no number/],
  ['two lengths', ['Content-Length', '5', 'Content-Length', '5'], /is no number/],
  ['a length and chunks', ['Content-Length', '5', 'Transfer-Encoding', 'chunked'], /exclude each other/],
  ['chunks twice', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], /only chunked/],
] as const) {
  test(`where a body ends must be beyond doubt: ${what}`, () => {
    assert.throws(() => head(asked([...HOST, ...lines], { method: 'POST' })), { status: 400, message: detail })
  })
}

test('as many lines as Node hands on may not be all there were', () => {
  const lines = (count: number) => Array.from({ length: count - 1 }, (_, i) => [`X-${i}`, 'a']).flat()
  assert.equal(head(asked([...HOST, ...lines(999)])).path, '/')
  assert.throws(() => head(asked([...HOST, ...lines(1_000)])), { status: 431 })
})

const CLIENTS = ['traceparent', '00-theirs-02-01', 'Tracestate', 'them=2', 'newrelic', 'x']

test('of a request that is traced here the trace goes on from here, in place of what came', () => {
  const { headers } = head(asked([...HOST, ...CLIENTS]), true)
  for (const [name, value] of Object.entries(TRACE)) assert.deepEqual(valuesIn(headers, name), [value])
  assert.deepEqual(valuesIn(headers, 'newrelic'), [])
})

test('of any other, what came of a trace is passed on as it came', () => {
  for (const isTracing of [null, false]) {
    const { headers } = head(asked([...HOST, ...CLIENTS]), isTracing)
    assert.deepEqual(valuesIn(headers, 'traceparent'), ['00-theirs-02-01'])
    assert.deepEqual(valuesIn(headers, 'newrelic'), ['x'])
  }
})
