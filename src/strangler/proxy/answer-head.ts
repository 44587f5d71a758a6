import type { IncomingMessage } from 'node:http'
import { NeighbourError } from '../../ports/neighbours.ts'
import { HOP_BY_HOP, keepDispositionBytes, namedByConnection, type RawHeaders, valuesOf } from './raw-headers.ts'

type Answer = Pick<IncomingMessage, 'rawHeaders' | 'statusCode' | 'statusMessage'>
/** `httpVersion`: the client's. `isLast`: its connection is closed afterwards. `isSwitched`: to another protocol, by 101. */
type Context = { requestId: string; httpVersion: string; isLast: boolean; isSwitched?: boolean }

/** Node reads more than it writes: these it would throw at, where nobody waits for an error (RFC 9112 section 4). */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const FIRST_STATUS = 200
const LAST_STATUS = 999
const SWITCHED = 101
/** Answers that have no body, whatever they say of it (RFC 9112 section 6.3). */
const WITHOUT_BODY: ReadonlySet<number | undefined> = new Set([204, 304])

/**
 * The head that the client gets: the lines of the legacy application's, untouched, but for those of its connection, and
 * one that says who has answered. Throws NeighbourError when it has no status, or its body a coding, that we know.
 */
export function answerHead(
  { rawHeaders, statusCode = 0, statusMessage = '' }: Answer,
  { requestId, httpVersion, isLast, isSwitched = false }: Context,
): RawHeaders {
  const isStatus = isSwitched ? statusCode === SWITCHED : statusCode >= FIRST_STATUS && statusCode <= LAST_STATUS
  if (!isStatus || !REASON.test(statusMessage)) throw new NeighbourError('legacy', 'wrong-answer')
  const named = namedByConnection(valuesOf(rawHeaders, 'connection'))
  const isChunkedOn = httpVersion === '1.1' && !WITHOUT_BODY.has(statusCode)
  const headers: RawHeaders = []
  let hasRequestId = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [as = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]]
    const name = as.toLowerCase()
    if (name === 'transfer-encoding') {
      if (value.toLowerCase() !== 'chunked') throw new NeighbourError('legacy', 'wrong-answer')
      if (isChunkedOn) headers.push(as, value)
    }
    if (HOP_BY_HOP.has(name) || named.has(name) || name === 'answered-by') continue
    if (name === 'x-request-id') hasRequestId = true
    headers.push(as, value)
  }
  headers.push('Answered-By', 'legacy')
  if (!hasRequestId) headers.push('X-Request-Id', requestId)
  if (isLast) headers.push('Connection', 'close')
  return keepDispositionBytes(headers)
}

/** Of an interim answer (RFC 9110 section 15.2). */
export function interimHead(rawHeaders: RawHeaders): RawHeaders {
  const kept: RawHeaders = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]]
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, value)
  }
  return kept
}

/** Its parts come when they come, for as long as both sides like. */
export function isEventStream({ rawHeaders }: Pick<Answer, 'rawHeaders'>): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(valuesOf(rawHeaders, 'content-type'))
}
