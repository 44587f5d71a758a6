import type { Answer } from './legacy-fixture.ts'
import { chunked, type Header } from './message.ts'
import type { Conversation, Frame, Sent } from './raw-client.ts'

export type Family =
  | 'methods'
  | 'targets'
  | 'request headers'
  | 'request bodies'
  | 'statuses'
  | 'answer headers'
  | 'answer bodies'
  | 'HEAD'
  | 'ranges and conditions'
  | 'keep-alive'
  | 'pipelining'
  | 'HTTP/1.0'
  | '100-continue'
  | 'interim and early answers'
  | 'upgrades'

/** One request and what the legacy application answers. */
export type Ask = {
  method?: string
  target?: string
  version?: '1.1' | '1.0'
  /** Null: none. */
  host?: string | null
  /** Before these stand Host and X-Case. */
  headers?: Header[]
  body?: Buffer | string
  /** Sends the body in chunks of these sizes; else its length is said, unless there is none. */
  chunkSizes?: number[]
  chunkExtension?: string
  trailers?: string[]
  /** No Content-Length is added. */
  isUnframed?: boolean
  /** The body is sent when 100 has come. */
  awaits?: boolean
  /** It goes in pieces of this size, each by itself. */
  pieceBytes?: number
  answer?: Partial<Answer>
}
/** What may differ from a direct call, and why: each difference must begin with one of these texts. */
export type Meant = { reason: string; allows: string[] }
export type Case = {
  family: Family
  name: string
  asks: Ask[]
  isPipelined?: boolean
  /** What is sent after a 101. */
  frames?: Frame[]
  meant?: Meant
}

const HOST = 'legacy.example'
const NOTHING = Buffer.alloc(0)
const DATE = 'Sun, 29 Nov 2026 10:00:00 GMT'

/** Each request has an id of its own, so that answers and what was received are found again. */
export function caseId(caseIndex: number, askIndex: number): string {
  return `${caseIndex}.${askIndex}`
}

export function answerFor({ answer = {} }: Ask): Answer {
  return {
    statusLine: 'HTTP/1.1 200 OK',
    headers: [
      ['Server', 'gunicorn'],
      ['Date', DATE],
      ['Content-Type', 'application/json'],
    ],
    body: Buffer.from('{"id": 1}'),
    framing: 'length',
    ...answer,
  }
}

export function conversationFor({ asks, isPipelined = false, frames = [] }: Case, index: number): Conversation {
  return { sent: asks.map((ask, i) => sentFor(ask, caseId(index, i))), isPipelined, frames }
}

function sentFor(ask: Ask, id: string): Sent {
  const { method = 'GET', target = '/users/1/', version = '1.1', host = HOST, chunkSizes, awaits = false } = ask
  const body = typeof ask.body === 'string' ? Buffer.from(ask.body, 'latin1') : (ask.body ?? NOTHING)
  const headers: Header[] = [...(host === null ? [] : [['Host', host] as Header]), ['X-Case', id]]
  headers.push(...(ask.headers ?? []))
  if (chunkSizes !== undefined) headers.push(['Transfer-Encoding', 'chunked'])
  else if (ask.body !== undefined && !ask.isUnframed) headers.push(['Content-Length', String(body.length)])
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return {
    method,
    head: Buffer.from(`${method} ${target} HTTP/${version}\r\n${lines}\r\n`, 'latin1'),
    body: chunkSizes === undefined ? body : chunked(body, chunkSizes, ask.chunkExtension, ask.trailers),
    awaits,
    ...(ask.pieceBytes === undefined ? {} : { pieceBytes: ask.pieceBytes }),
  }
}
