import {
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { faultOf, NOT_TOLD, type TracedFault, type TraceHeaders, type Tracing } from '../../ports/tracing.ts'
import { contextIn, headersOf } from './headers.ts'

/** Of messages that one batch goes on with. */
const MAX_LINKS = 32
const UNTOLD = new RegExp(NOT_TOLD)
const UNNAMED = 'request'
const FIRST_FAILURE = 500

/** Spans are made by what is told here, and by nothing else: what they hold stands in this file. */
export function openTelemetryTracing(tracer: Tracer, { hotOneIn, stop }: Pick<Tracing, 'hotOneIn' | 'stop'>): Tracing {
  const request: Tracing['request'] = ({ method = '', url = '', headers }, response, work) => {
    if (UNTOLD.test(url)) return work()
    const span = tracer.startSpan(
      UNNAMED,
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } },
      parentOf([headers]),
    )
    // Not `finish`, which does not come when the caller has gone.
    response.once('close', () => {
      if (response.headersSent) span.setAttribute('http.response.status_code', response.statusCode)
      if (response.statusCode >= FIRST_FAILURE) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    })
    context.with(trace.setSpan(ROOT_CONTEXT, withRoot(span)), work)
  }
  const background: Tracing['background'] = ({ group, name, items, from = [], isLong = false, stop }, work) => {
    const isPart = trace.getActiveSpan()?.isRecording() === true
    const parent = isPart ? context.active() : parentOf(from)
    const links = from.slice(isPart ? 0 : 1, MAX_LINKS).flatMap((headers) => {
      const one = contextIn(headers)
      return one === null ? [] : [{ context: one }]
    })
    const attributes = items === undefined ? {} : { items }
    const span = tracer.startSpan(`${group}/${name}`, { kind: SpanKind.CONSUMER, attributes, links }, parent)
    const told = (error: unknown) => (stop?.aborted === true ? undefined : tell(span, faultOf(error)))
    return during(withRoot(span), isLong ? () => context.with(ROOT_CONTEXT, work) : work, told)
  }
  const segment: Tracing['segment'] = (name, work) => {
    const within = trace.getActiveSpan()
    if (within === undefined) return work()
    const span = tracer.startSpan(name, { kind: SpanKind.CLIENT })
    return during(ROOTS.has(within) ? partOf(span, within) : span, work)
  }
  const carried = (): TraceHeaders => {
    const active = trace.getActiveSpan()?.spanContext()
    return active !== undefined && isSpanContextValid(active) ? headersOf(active) : {}
  }
  return {
    ...{ hotOneIn, request, background, segment, carried, stop, ofCall: carried },
    name: (name) => void rootOf()?.updateName(name),
    attributes: (attributes) => void rootOf()?.setAttributes(attributes),
    fault: (told) => tell(rootOf(), told),
    isTracing: () => trace.getActiveSpan() !== undefined,
  }
}

/** What is told is told of the whole, and not of the part that happens to be under way. */
const ROOTS = new WeakMap<Span, Span>()

function withRoot(span: Span): Span {
  ROOTS.set(span, span)
  return span
}

function partOf(span: Span, within: Span): Span {
  ROOTS.set(span, ROOTS.get(within) ?? within)
  return span
}

function rootOf(): Span | undefined {
  const active = trace.getActiveSpan()
  return active && (ROOTS.get(active) ?? active)
}

function parentOf([first]: Record<string, unknown>[]): Context {
  const from = first === undefined ? null : contextIn(first)
  return from === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, from)
}

async function during<Result>(
  span: Span,
  work: () => Promise<Result>,
  failed: (error: unknown) => void = () => void span.setStatus({ code: SpanStatusCode.ERROR }),
): Promise<Result> {
  try {
    return await context.with(trace.setSpan(context.active(), span), work)
  } catch (error) {
    failed(error)
    throw error
  } finally {
    span.end()
  }
}

/** Its code only: a message may quote somebody's data. */
function tell(span: Span | undefined, { code, expected }: TracedFault): void {
  span?.addEvent('exception', { 'exception.type': code, expected })
  span?.setAttribute('errorCode', code)
  if (!expected) span?.setStatus({ code: SpanStatusCode.ERROR, message: code })
}
