import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { mulberry32 } from '../../src/jobs/seed/random.ts'

/** What goes wrong with one request. */
export type RequestFault =
  /** The right answer, late. `ms` is asked once a request, in the order in which they arrive: see fault-latency.ts. */
  | { kind: 'latency'; ms: () => number }
  /** The request arrives; then the connection is reset (RST). */
  | { kind: 'reset-before-headers' }
  /** The connection is reset in the middle of the body. */
  | { kind: 'reset-after-headers' }
  /** The connection ends cleanly (FIN) in the middle of the body. */
  | { kind: 'half-body' }
  /** The right answer as text/html: nothing but its type tells that it is wrong. */
  | { kind: 'wrong-content-type' }
  /** 200 and JSON of another shape. */
  | { kind: 'wrong-schema'; body?: unknown }
  /** 200, application/json, and garbage. */
  | { kind: 'not-json' }
  | { kind: 'status'; status: number; retryAfter?: string }
  /** The right answer, a byte at a time. The headers come at once. */
  | { kind: 'drip'; everyMs: number }
  /** The right answer with `bytes` more JSON in it: nothing but its size tells that it is wrong. */
  | { kind: 'huge'; bytes?: number; withLength?: boolean }
  /** Never answers. */
  | { kind: 'blackhole' }

export type Fault =
  | RequestFault
  /** Hits this share of the requests, always the same ones for a seed; the others are answered rightly. */
  | { kind: 'sometimes'; share: number; fault: RequestFault; seed: number }
  /** Nobody listens on the port, and what was connected is cut off. */
  | { kind: 'refused' }

/** `.invalid` never resolves (RFC 6761, section 6.4). */
export const UNRESOLVABLE_URL = 'http://neighbour.invalid'
export const HUGE_BYTES = 100_000_000
const NOT_JSON = '{"branches":[undefined'

export type Answer = { status: number; body: unknown }
/** `gone`: aborted when its connection has gone, or it is answered. */
export type Exchange = { response: ServerResponse; right: Answer; gone: AbortSignal }

/** What is to happen to each next request. */
export function chooser(fault: Exclude<Fault, { kind: 'refused' }> | null): () => RequestFault | null {
  if (fault?.kind !== 'sometimes') return () => fault
  const random = mulberry32(fault.seed)
  return () => (random() < fault.share ? fault.fault : null)
}

export async function play(fault: RequestFault | null, exchange: Exchange): Promise<void> {
  const { response, right, gone } = exchange
  switch (fault?.kind) {
    case undefined:
      return answer(response, right)
    case 'latency':
      if (await passed(fault.ms(), gone)) answer(response, right)
      return
    case 'reset-before-headers':
      response.socket?.resetAndDestroy()
      return
    case 'reset-after-headers':
      await sendHalf(exchange)
      response.socket?.resetAndDestroy()
      return
    case 'half-body':
      await sendHalf(exchange)
      response.socket?.destroySoon()
      return
    case 'wrong-content-type':
      return answer(response, right, { 'content-type': 'text/html; charset=utf-8' })
    case 'wrong-schema':
      return answer(response, { status: 200, body: fault.body ?? { unexpected: true } })
    case 'not-json':
      return send(response, 200, Buffer.from(NOT_JSON))
    case 'status': {
      const wait = fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }
      return answer(response, { status: fault.status, body: { error: 'made up' } }, wait)
    }
    case 'drip':
      return drip(exchange, fault.everyMs)
    case 'huge':
      return sendHuge(exchange, fault)
    case 'blackhole':
      return
  }
}

type Headers = Record<string, string | number>

function answer(response: ServerResponse, { status, body }: Answer, headers: Headers = {}): void {
  send(response, status, Buffer.from(JSON.stringify(body)), headers)
}

function send(response: ServerResponse, status: number, bytes: Buffer, headers: Headers = {}): void {
  begin(response, status, { 'content-length': bytes.length, ...headers }).end(bytes)
}

function begin(response: ServerResponse, status: number, headers: Headers): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json', ...headers })
}

/** The headers of the whole answer and the first half of its body, once they are on their way. */
async function sendHalf({ response, right: { status, body } }: Exchange): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(body))
  begin(response, status, { 'content-length': bytes.length })
  const half = bytes.subarray(0, Math.floor(bytes.length / 2))
  await new Promise<void>((resolve) => response.write(half, () => resolve()))
}

async function drip({ response, right: { status, body }, gone }: Exchange, everyMs: number): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(body))
  begin(response, status, { 'content-length': bytes.length }).flushHeaders()
  for (const byte of bytes) {
    if (!(await passed(everyMs, gone))) return
    response.write(Buffer.of(byte))
  }
  response.end()
}

type Huge = Extract<RequestFault, { kind: 'huge' }>

async function sendHuge({ response, right, gone }: Exchange, { bytes = HUGE_BYTES, withLength = false }: Huge) {
  const [opening, closing] = aroundFiller(right.body)
  const chunks = Math.ceil(bytes / FILLER.length)
  const length = opening.length + chunks * FILLER.length + closing.length
  begin(response, right.status, withLength ? { 'content-length': length } : {})
  function* parts() {
    yield opening
    for (let left = chunks; left > 0; left -= 1) yield FILLER
    yield closing
  }
  try {
    await pipeline(Readable.from(parts(), { highWaterMark: 1 }), response)
  } catch (error) {
    // Whoever asked may go away in the middle.
    if (!gone.aborted && !response.destroyed) throw error
  }
}

/** 64 KiB of strings of an array. The same bytes each time, so that an answer takes no memory however large it is. */
const FILLER = Buffer.from(`"${'x'.repeat(61)}",`.repeat(1_024))

/** The JSON of this object with one more array in it, split where the array's elements begin; the last one is in place. */
function aroundFiller(body: unknown): [Buffer, Buffer] {
  const json = JSON.stringify({ ...(body as object), filler: [''] })
  const at = json.lastIndexOf('""]}')
  return [Buffer.from(json.slice(0, at)), Buffer.from(json.slice(at))]
}

/** false: the wait was ended before its time. */
function passed(ms: number, gone: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal: gone }).catch(() => false)
}
