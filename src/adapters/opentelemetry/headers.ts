import { createTraceState, isSpanContextValid, type SpanContext } from '@opentelemetry/api'
import type { TraceHeaders } from '../../ports/tracing.ts'

/** https://www.w3.org/TR/trace-context/#traceparent-header; of later versions what this one has is read. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.{0,400})?$/
const VERSION = '00'
const HEX = 16
/** Longer ones may be dropped (section 3.3.1.5). */
const MAX_TRACESTATE = 512

/** Null: there is none, or a malformed one. */
export function contextIn({ traceparent, tracestate }: Record<string, unknown>): SpanContext | null {
  const found = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null
  if (found === null) return null
  const [, version = '', traceId = '', spanId = '', flags = ''] = found
  // The first version has nothing behind its flags.
  if (version === VERSION && traceparent !== found.slice(1).join('-')) return null
  const state = typeof tracestate === 'string' && tracestate.length <= MAX_TRACESTATE ? tracestate : ''
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, HEX) & 1, isRemote: true }
  if (!isSpanContextValid(context)) return null
  return state === '' ? context : { ...context, traceState: createTraceState(state) }
}

export function headersOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceHeaders {
  const traceparent = `${VERSION}-${traceId}-${spanId}-0${traceFlags & 1}`
  const tracestate = traceState?.serialize() ?? ''
  return tracestate === '' ? { traceparent } : { traceparent, tracestate }
}
