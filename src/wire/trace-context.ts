// https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags; none of them all zeros or ff.
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.{0,400})?$/
/** What a tracestate should have room for at least (section 3.3.1.5); a longer one is dropped. */
const MAX_TRACESTATE = 512

type Headers = Record<string, unknown>

/**
 * The trace that a request belongs to, for the calls made for it. Passed on as it came: without spans of its own, this
 * service is no part of it; with an agent, calls show that one's context in its place (ports/tracing.ts). A malformed one is dropped, as the recommendation wants.
 */
export function traceOf({ traceparent, tracestate }: Headers): Record<string, string> {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return {}
  const hasState = typeof tracestate === 'string' && tracestate !== '' && tracestate.length <= MAX_TRACESTATE
  return hasState ? { traceparent, tracestate } : { traceparent }
}
