import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceOf } from './trace-context.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const PARENT_ID = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`

test('a trace is passed on as it came', () => {
  assert.deepEqual(traceOf({ traceparent: TRACEPARENT, other: 'x' }), { traceparent: TRACEPARENT })
  const state = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7'
  assert.deepEqual(traceOf({ traceparent: TRACEPARENT, tracestate: state }), {
    traceparent: TRACEPARENT,
    tracestate: state,
  })
})

test('one of a later version may have more', () => {
  assert.deepEqual(traceOf({ traceparent: `cc-${TRACE_ID}-${PARENT_ID}-00-what` }), {
    traceparent: `cc-${TRACE_ID}-${PARENT_ID}-00-what`,
  })
})

for (const traceparent of [
  undefined,
  '',
  'x',
  `ff-${TRACE_ID}-${PARENT_ID}-01`,
  `00-${'0'.repeat(32)}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${PARENT_ID}-01x`,
  `00-${TRACE_ID}-${PARENT_ID}`,
  ` ${TRACEPARENT}`,
  [TRACEPARENT, TRACEPARENT],
]) {
  test(`a traceparent of ${traceparent} is dropped, and its state with it`, () => {
    assert.deepEqual(traceOf({ traceparent, tracestate: 'a=b' }), {})
  })
}

test('a state that is empty, too long, or there twice is dropped', () => {
  for (const tracestate of ['', 'x'.repeat(513), ['a=1', 'b=2']])
    assert.deepEqual(traceOf({ traceparent: TRACEPARENT, tracestate }), { traceparent: TRACEPARENT })
})
