import { Refusal } from '../../wire/problem.ts'
import { BELIEVED, FORWARDING, type ForwardedHeaders, type forwarding } from './forwarding.ts'
import type { TraceContext } from './parts.ts'
import type { Peer } from './peer.ts'
import {
  HOP_BY_HOP,
  keepDispositionBytes,
  namedByConnection,
  type RawHeaders,
  tokensOf,
  valuesOf,
} from './raw-headers.ts'
import { isHost, targetOf } from './target.ts'
import type { Withheld } from './withheld.ts'

/** What the legacy application is asked. */
export type RequestHead = { method: string; path: string; headers: RawHeaders; hasBody: boolean; mayContinue: boolean }
export type Asked = { method: string; target: string; httpVersion: string; rawHeaders: RawHeaders; peer: Peer }
type Context = {
  prefix: string
  authority: string
  requestId: string
  forward: ReturnType<typeof forwarding>
  withheld: Withheld
  tracing: TraceContext | null
}

/** Our name among the proxies that a request has passed (RFC 9110 section 7.6.3). */
const PSEUDONYM = 'users-service'
/** https://www.w3.org/TR/trace-context/, and New Relic's own, older one. */
const OF_A_TRACE: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'newrelic'])
/** Node's server drops what is beyond, without a word: it would be another request that is passed on. */
const MAX_HEADER_LINES = 1_000
/** Of these Node's client would add a length by itself: it is said that there is no body. */
const NO_BODY_EXPECTED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])

/**
 * The head that is sent to the legacy application: the lines of the client's, untouched, but for those of its connection
 * and those that say who it is. Throws Refusal when the request could be read in more than one way.
 */
export function requestHead(asked: Asked, context: Context): RequestHead {
  const { prefix, authority, requestId, forward, withheld, tracing } = context
  const { method, rawHeaders, httpVersion } = asked
  const target = targetOf(method, asked.target, prefix)
  const hasBody = bodyOf(asked)
  const named = namedByConnection(valuesOf(rawHeaders, 'connection'))
  const isTrusted = forward.isTrusted(asked.peer)
  // In place of what came, and not beside it.
  const isTraced = tracing?.isTracing() === true
  const headers: RawHeaders = []
  const given: ForwardedHeaders = { for: '', host: '', proto: '', port: '', forwarded: '' }
  const seen = { hosts: [] as string[], requestId: false, length: false, mayContinue: false }

  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [as = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]]
    const name = as.toLowerCase()
    const forwarded = FORWARDING.get(name)
    if (forwarded !== undefined) {
      given[forwarded] = given[forwarded] === '' ? value : `${given[forwarded]}, ${value}`
      continue
    }
    if (name === 'transfer-encoding') headers.push(as, value)
    if (HOP_BY_HOP.has(name) || named.has(name)) continue
    // WSGI gives applications the same variable for X_Real_Ip and X-Real-Ip, and gunicorn believes SCRIPT_NAME and PATH_INFO
    // of whoever is allowed to forward, which we are. nginx drops all of these by default, too (underscores_in_headers).
    if (name.includes('_') || (!isTrusted && BELIEVED.has(name))) continue
    if (withheld(name, value, asked.peer) || (isTraced && OF_A_TRACE.has(name))) continue
    if (name === 'host') {
      seen.hosts.push(value)
      headers.push(as, target.authority ?? value)
      continue
    }
    if (name === 'via') refuseLoop(value)
    if (name === 'content-length') seen.length = true
    if (name === 'expect') seen.mayContinue = httpVersion === '1.1'
    if (name === 'x-request-id') {
      if (value !== requestId || seen.requestId) continue
      seen.requestId = true
    }
    headers.push(as, value)
  }
  const host = hostOf(seen.hosts, httpVersion, target.authority ?? authority)
  if (seen.hosts.length === 0) headers.unshift('Host', host)
  if (!hasBody && !seen.length && !NO_BODY_EXPECTED.has(method)) headers.push('Content-Length', '0')
  headers.push(...forward.headers(given, asked.peer, target.authority ?? host), 'Via', `${httpVersion} ${PSEUDONYM}`)
  if (!seen.requestId) headers.push('X-Request-Id', requestId)
  if (isTraced) headers.push(...Object.entries(tracing.ofCall()).flat())
  return { method, path: target.path, headers: keepDispositionBytes(headers), hasBody, mayContinue: seen.mayContinue }
}

/**
 * Whether there is a body. Where it ends must be beyond doubt, or the two of us would see different requests: Node's
 * parser refuses most of what is in doubt (the tests list it), and here is what it lets through.
 */
function bodyOf({ httpVersion, rawHeaders }: Asked): boolean {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw refused('Only HTTP/1.1 and HTTP/1.0 are passed on.')
  if (rawHeaders.length / 2 >= MAX_HEADER_LINES)
    throw new Refusal(431, 'headers-too-large', 'There are too many headers.')
  const length = valuesOf(rawHeaders, 'content-length')
  if (!rawHeaders.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'transfer-encoding')) {
    if (length !== '' && !/^\d+$/.test(length)) throw refused('Content-Length is no number.')
    return Number(length) > 0
  }
  if (httpVersion === '1.0') throw refused('HTTP/1.0 knows no Transfer-Encoding.')
  if (valuesOf(rawHeaders, 'transfer-encoding').toLowerCase() !== 'chunked')
    throw refused('Of transfer codings only chunked is taken.')
  if (length !== '') throw refused('Content-Length and Transfer-Encoding exclude each other.')
  return true
}

/** RFC 9112 section 3.2: one, and a well-formed one; HTTP/1.0 may have none. */
function hostOf(hosts: string[], httpVersion: string, otherwise: string): string {
  const [host = otherwise, second] = hosts
  if (second !== undefined) throw refused('There is more than one Host.')
  if (hosts.length === 0 && httpVersion === '1.1') throw refused('The header Host is missing.')
  if (!isHost(host)) throw refused('The header Host is none.')
  return host
}

function refuseLoop(via: string): void {
  for (const one of tokensOf(via)) {
    // A protocol, a name, and perhaps a comment.
    if (one.split(/\s+/)[1] === PSEUDONYM)
      throw new Refusal(508, 'legacy-loop', 'This request has been here before: it is passed on in a circle.')
  }
}

function refused(detail: string): Refusal {
  return new Refusal(400, 'invalid-request', detail)
}
