import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextIn, headersOf } from './headers.ts'

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
const PARENT = `00-${TRACE}-${SPAN}-01`

test('what is shown is what was read', () => {
  const headers = { traceparent: PARENT, tracestate: 'a=1,b=2' }
  const context = contextIn(headers)
  assert.deepEqual([context?.traceId, context?.spanId, context?.traceFlags, context?.isRemote], [TRACE, SPAN, 1, true])
  assert.deepEqual(context && headersOf(context), headers)
  assert.deepEqual(headersOf({ traceId: TRACE, spanId: SPAN, traceFlags: 0 }), {
    traceparent: `00-${TRACE}-${SPAN}-00`,
  })
})

test('of a later version what this one knows is read; of flags the one that it knows', () => {
  assert.equal(contextIn({ traceparent: `01-${TRACE}-${SPAN}-03-more` })?.traceFlags, 1)
  assert.equal(contextIn({ traceparent: `00-${TRACE}-${SPAN}-02` })?.traceFlags, 0)
})

test('a malformed one is none, as the recommendation wants', () => {
  const zeros = '0'
  const malformed = [
    ...['', 'x', `ff-${TRACE}-${SPAN}-01`, `00-${zeros.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${zeros.repeat(16)}-01`],
    ...[`${PARENT}-more`, PARENT.toUpperCase(), `00-${TRACE}-${SPAN}`, ['a', 'b'], undefined],
  ]
  for (const traceparent of malformed) assert.equal(contextIn({ traceparent }), null, String(traceparent))
  const long = { traceparent: PARENT, tracestate: `a=${'1'.repeat(600)}` }
  assert.equal(contextIn(long)?.traceState, undefined)
})
