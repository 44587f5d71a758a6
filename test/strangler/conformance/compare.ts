import type { Meant } from './case.ts'
import type { Received } from './legacy-fixture.ts'
import { type Header, tokensOf, valuesOf } from './message.ts'
import type { Heard, RawAnswer } from './raw-client.ts'

/** What one conversation has led to on both sides; `received`: one list for each request that was sent. */
export type Outcome = { heard: Heard; received: Received[][] }
/** `kind`: few words, for counting. */
export type Difference = { kind: string; detail: string }

const HOP = 'said between two neighbours on a connection, not passed on (RFC 9110, 7.6.1)'
/** Headers of answers that must or may differ, and why. */
export const ANSWER_MAY_DIFFER: Record<string, string> = {
  connection: HOP,
  'keep-alive': HOP,
  'proxy-connection': HOP,
  'transfer-encoding': 'how a message is cut is each connection’s own affair; that there is a length is compared',
  upgrade: `${HOP}; compared where the protocol is really changed`,
  'proxy-authenticate': 'for the next proxy on the way to the client (RFC 9110, 11.7.1)',
  trailer: 'trailers may be dropped (RFC 9110, 6.5.1), and so may what announces them',
  'answered-by': 'ours: says who answered',
  'x-request-id': 'ours, where the legacy application says none',
}
/** Headers of requests as the legacy application gets them. */
export const REQUEST_MAY_DIFFER: Record<string, string> = {
  connection: HOP,
  'keep-alive': HOP,
  'proxy-connection': HOP,
  te: HOP,
  upgrade: `${HOP}; compared where the protocol is really changed`,
  'transfer-encoding': 'how a message is cut is each connection’s own affair; whether its length is said is compared',
  trailer: 'trailers may be dropped (RFC 9110, 6.5.1), and so may what announces them',
  via: 'ours is added (RFC 9110, 7.6.3)',
  forwarded: 'ours: who asked (RFC 7239)',
  'x-forwarded-for': 'ours: who asked',
  'x-forwarded-host': 'ours: whom they asked',
  'x-forwarded-port': 'ours: where',
  'x-forwarded-proto': 'ours: how',
  'x-request-id': 'ours, where the client says none',
}

/** `as meant`: different, and for the case's own reason. */
export type Verdict = 'equal' | 'as meant' | 'different'

export function verdictOf(found: readonly Difference[], meant: Meant | undefined): Verdict {
  if (found.length === 0) return 'equal'
  const isMeant = ({ kind, detail }: Difference) => meant?.allows.some((text) => `${kind}: ${detail}`.startsWith(text))
  return found.every(isMeant) ? 'as meant' : 'different'
}

export function differences(direct: Outcome, proxied: Outcome): Difference[] {
  const answers = direct.heard.answers.flatMap((answer, i) => answerDifferences(answer, proxied.heard.answers[i]))
  const received = direct.received.flatMap((list, i) => receivedDifferences(list, proxied.received[i] ?? []))
  return [
    ...differing('answers', direct.heard.answers.length, proxied.heard.answers.length),
    ...differing('surplus bytes', direct.heard.surplus, proxied.heard.surplus),
    ...differing('bytes after 101', direct.heard.echoed, proxied.heard.echoed),
    ...differing('hung', direct.heard.isTimedOut, proxied.heard.isTimedOut),
    ...answers,
    ...received,
    ...protocolDifferences(direct, proxied),
  ]
}

/** Where another protocol is spoken afterwards, both sides must have been told which. */
function protocolDifferences(direct: Outcome, proxied: Outcome): Difference[] {
  if (direct.heard.answers[0]?.status !== 101 || proxied.heard.answers[0]?.status !== 101) return []
  const told = ({ heard, received }: Outcome) =>
    [heard.answers[0]?.headers ?? [], received[0]?.[0]?.headers ?? []]
      .map((headers) => `${valuesOf(headers, 'upgrade')} ${tokensOf(headers, 'connection').includes('upgrade')}`)
      .join(', ')
  return differing('protocol', told(direct), told(proxied))
}

function answerDifferences(direct: RawAnswer, proxied: RawAnswer | undefined): Difference[] {
  if (proxied === undefined) return [{ kind: 'no answer', detail: `in place of ${direct.status}` }]
  if (direct.status !== proxied.status) {
    return [{ kind: 'status', detail: `${direct.status} → ${proxied.status} ${printable(proxied.body.start)}` }]
  }
  return [
    ...differing('reason phrase', direct.reason, proxied.reason),
    ...headerDifferences('answer', answerHeaders(direct), undated(answerHeaders(proxied), direct)),
    ...differing('answer body', bodyText(direct), bodyText(proxied)),
    ...differing('interim answers', interimText(direct), interimText(proxied)),
  ]
}

const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '.')
const bodyText = ({ body }: Pick<RawAnswer, 'body'>) =>
  `${body.bytes} bytes ${body.sha256.slice(0, 12)}${body.isWhole ? '' : ', cut short'} ${printable(body.start)}`
const interimText = ({ interim }: RawAnswer) =>
  interim.map(({ status, headers }) => `${status} ${lines(headers).join(', ')}`).join('; ')

function receivedDifferences(direct: Received[], proxied: Received[]): Difference[] {
  if (direct.length !== proxied.length) {
    return [{ kind: 'requests received', detail: `${direct.length} → ${proxied.length}` }]
  }
  return direct.flatMap((one, i) => {
    const other = proxied[i]
    if (other === undefined) return []
    return [
      ...differing('method', one.method, other.method),
      ...differing('target', one.target, other.target),
      ...differing('request framing', one.framing, other.framing),
      ...headerDifferences('request', requestHeaders(one), requestHeaders(other)),
      ...differing('request body', bodyText(one), bodyText(other)),
    ]
  })
}

function answerHeaders({ headers }: RawAnswer): Header[] {
  return without(headers, ANSWER_MAY_DIFFER)
}

/** Who passes an answer on that has no Date gives it one (RFC 9110, 6.6.1): that of now, in its only form. */
function undated(headers: Header[], direct: RawAnswer): Header[] {
  if (valuesOf(direct.headers, 'date').length > 0) return headers
  const isOwed = ([name, value]: Header) =>
    name.toLowerCase() === 'date' &&
    new Date(value).toUTCString() === value &&
    Math.abs(Date.now() - Date.parse(value)) < CONVERSATION_LIMIT_MS
  const index = headers.findIndex(isOwed)
  return index < 0 ? headers : headers.toSpliced(index, 1)
}
const CONVERSATION_LIMIT_MS = 600_000

function requestHeaders({ headers }: Received): Header[] {
  return without(headers, REQUEST_MAY_DIFFER)
}

function without(headers: Header[], mayDiffer: Record<string, string>): Header[] {
  const named = tokensOf(headers, 'connection')
  return headers.filter(([name]) => {
    const lower = name.toLowerCase()
    return !Object.hasOwn(mayDiffer, lower) && !named.includes(lower)
  })
}

/** Tells by what the two lists differ: case, order, joined or split values, or the values themselves. */
function headerDifferences(whose: 'answer' | 'request', direct: Header[], proxied: Header[]): Difference[] {
  const [was, is] = [lines(direct), lines(proxied)]
  if (same(was, is)) return []
  const [lowerWas, lowerIs] = [lines(direct.map(lower)), lines(proxied.map(lower))]
  if (same(lowerWas, lowerIs)) return [{ kind: `${whose} header case`, detail: first(was, is) }]
  if (same(was.toSorted(), is.toSorted())) return [{ kind: `${whose} header order`, detail: first(was, is) }]
  if (same(lowerWas.toSorted(), lowerIs.toSorted())) {
    return [{ kind: `${whose} header case and order`, detail: first(was, is) }]
  }
  const names = [...new Set([...direct, ...proxied].map(([name]) => name.toLowerCase()))]
  return names.flatMap((name): Difference[] => {
    const [before, after] = [direct, proxied].map((headers) => headers.filter((one) => lower(one)[0] === name))
    if (before === undefined || after === undefined) return []
    const [from, to] = [before, after].map((headers) => headers.map(([, value]) => value))
    if (from === undefined || to === undefined || same(from, to)) return []
    const detail = `${name}: ${shown(from.join(' | '))} → ${shown(to.join(' | '))}`
    if (to.length === 0) return [{ kind: `${whose} header lost`, detail }]
    if (from.length === 0) return [{ kind: `${whose} header added`, detail }]
    if (from.length !== to.length) return [{ kind: `${whose} headers joined or dropped`, detail }]
    return [{ kind: `${whose} header value`, detail }]
  })
}

const lower = ([name, value]: Header): Header => [name.toLowerCase(), value]
const lines = (headers: Header[]) => headers.map(([name, value]) => `${name}: ${value}`)
const same = (a: string[], b: string[]) => a.length === b.length && a.every((one, i) => one === b[i])

function first(was: string[], is: string[]): string {
  const at = was.findIndex((line, i) => line !== is[i])
  return `${shown(was[at] ?? 'nothing')} → ${shown(is[at] ?? 'nothing')}`
}

const MAX_SHOWN = 120
const shown = (text: string) => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length})` : text)

function differing<Value>(kind: string, direct: Value, proxied: Value): Difference[] {
  return direct === proxied ? [] : [{ kind, detail: `${shown(String(direct))} → ${shown(String(proxied))}` }]
}
