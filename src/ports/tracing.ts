import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '../domain/errors.ts'

// What is told of single requests and pieces of work, to an agent that reports them. Where there is none, nobody asks for
// any of this: what is optional is null, and nothing stands around anything.

/** `traceparent`, and perhaps `tracestate` (https://www.w3.org/TR/trace-context/). */
export type TraceHeaders = Record<string, string>

/** All that is ever told of a piece of work beside its name: what is not here is not sent. */
export const TRACE_ATTRIBUTES = [
  ...['readFrom', 'stale', 'degraded', 'stranglerMode', 'answeredBy', 'errorCode', 'items', 'hotOneIn'],
] as const
export type TraceAttribute = (typeof TRACE_ATTRIBUTES)[number]
export type TraceAttributes = Partial<Record<TraceAttribute, string | number | boolean>>

/** `expected`: somebody has asked for what they cannot have, or something is away whose absence is provided for. */
export type TracedFault = { error: unknown; code: string; expected: boolean }

export type Background = {
  group: string
  name: string
  items?: number
  /** What it goes on with, of whoever has caused it; the first counts most. */
  from?: TraceHeaders[]
  /** Of its parts nothing is told: there may be millions, and an agent keeps all until the end. */
  isLong?: boolean
  /** When it is aborted, an end that is none is no fault. */
  stop?: AbortSignal
}

/** What probes and Prometheus ask: nobody wants to read of it. */
export const NOT_TOLD = '^/(?:health/|metrics$)'

const CLASS_NAME = /^\w{1,64}$/

/** Of what has been rejected: a name that quotes nothing. */
export function faultOf(error: unknown): TracedFault {
  if (error instanceof DomainError) return { error, code: error.code, expected: true }
  const { name = '' } = Object(error) as { name?: string }
  return { error, code: CLASS_NAME.test(name) ? name : 'error', expected: false }
}

/** Of what is under way in the present asynchronous context. Names hold nobody's data; nothing here throws. */
export type Tracing = {
  /** Of the requests that are answered before the router, one in so many is seen at all. */
  hotOneIn: number
  /** Around a request: it is over when its response is. */
  request(request: IncomingMessage, response: ServerResponse, work: () => void): void
  name(name: string): void
  attributes(attributes: TraceAttributes): void
  fault(fault: TracedFault): void
  /** Something that no request has asked for; one in another is a part of it. */
  background<Result>(what: Background, work: () => Promise<Result>): Promise<Result>
  /** A part of what is under way; where nothing is, only `work`. */
  segment<Result>(name: string, work: () => Promise<Result>): Promise<Result>
  /** Whether something is under way that calls are a part of: they show its context then, and not the one that came. */
  isTracing(): boolean
  /** What an HTTP call shows: nothing where the agent sees to that itself. */
  ofCall(): TraceHeaders
  /** What a message or a job carries, for `from`. */
  carried(): TraceHeaders
  /** Sends what has not been sent; takes no longer than a named limit. */
  stop(): Promise<void>
}
