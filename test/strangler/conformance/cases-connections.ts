import type { Dice } from '../../../src/jobs/seed/random.ts'
import type { Ask, Case, Family, Meant } from './case.ts'
import { NO_LENGTH } from './cases-requests.ts'
import type { Answer } from './legacy-fixture.ts'
import { bytesOf, LARGE_BYTES } from './made-up.ts'
import type { Header } from './message.ts'
import type { Frame } from './raw-client.ts'
import { framesOf } from './websocket.ts'

const EMPTY = Buffer.alloc(0)
const POST: Ask = { method: 'POST', body: '{"a":1}' }
const LARGE: Ask = { method: 'PUT', body: bytesOf(300_000) }
const IN_CHUNKS: Ask = { method: 'PATCH', body: bytesOf(5_000), chunkSizes: [7, 999] }
const HEAD: Ask = { method: 'HEAD' }
const GONE: Ask = { answer: { statusLine: 'HTTP/1.1 204 No Content', framing: 'none' } }
const UNCHANGED: Ask = { answer: { statusLine: 'HTTP/1.1 304 Not Modified', framing: 'none' } }
const WHOLE: Ask = { answer: { body: bytesOf(200_000) } }
const CUT: Ask = { answer: { body: bytesOf(20_000), framing: 'chunked', chunkSizes: [1_000, 3] } }
const ENDED: Ask = { answer: { body: bytesOf(2_000), framing: 'close' } }
const FAILED: Ask = { answer: { statusLine: 'HTTP/1.1 500 Internal Server Error' } }
const MIXED = [{}, POST, HEAD, IN_CHUNKS, GONE, WHOLE, LARGE, UNCHANGED, CUT, FAILED, { method: 'DELETE' }]

/** Several requests on one connection, one after the other's answer or all at once. */
export function manyOnOne(family: 'keep-alive' | 'pipelining', dice: Dice): Case[] {
  const isPipelined = family === 'pipelining'
  const named = (name: string, asks: Ask[]): Case => ({ family, name, asks, isPipelined })
  const numbered = (count: number): Ask[] =>
    Array.from({ length: count }, (_, i) => ({ target: `/users/${i}/`, answer: { body: Buffer.from(`answer ${i}`) } }))
  return [
    named('two', [{}, {}]),
    named('twenty', numbered(20)),
    named('POSTs', [POST, POST, POST]),
    named('in chunks', [IN_CHUNKS, IN_CHUNKS, {}]),
    named('HEAD, GET, HEAD', [HEAD, {}, HEAD, {}]),
    named('answers without bodies', [GONE, UNCHANGED, GONE, {}]),
    named('answers in chunks', [CUT, CUT, {}]),
    named('large ones', [WHOLE, LARGE, WHOLE]),
    named('a failure among them', [{}, FAILED, {}]),
    named('all kinds', MIXED),
    named('all kinds, the other way round', MIXED.toReversed()),
    named('the last is closed', [{}, { headers: [['Connection', 'close']] }]),
    ...(isPipelined ? [] : [named('an answer that ends its connection, last', [{}, ENDED])]),
    ...Array.from({ length: 10 }, (_, i) =>
      named(
        `made up ${i}`,
        Array.from({ length: 2 + dice.below(6) }, () => dice.pick(MIXED)),
      ),
    ),
  ]
}

const NO_HOST: Meant = {
  reason: 'passed on as HTTP/1.1, which must have one (RFC 9112, 3.2)',
  allows: ['request header added: host:  → 127.0.0.1:'],
}

export function oldClientCases(): Case[] {
  const named = (name: string, ...asks: Ask[]): Case => ({
    family: 'HTTP/1.0',
    name,
    asks: asks.map((ask) => ({ version: '1.0', ...ask })),
  })
  const kept: Header[] = [['Connection', 'keep-alive']]
  return [
    named('GET', {}),
    { ...named('without Host', { host: null }), meant: NO_HOST },
    named('POST', POST),
    named('a large PUT', LARGE),
    named('HEAD', HEAD),
    named('204', GONE),
    named('chunks become an end', CUT),
    named('an end', ENDED),
    named('4 MiB by end', { answer: { body: bytesOf(LARGE_BYTES), framing: 'close' } }),
    named('kept alive', { headers: kept }, { headers: kept }, {}),
    named('kept alive, POST', { ...POST, headers: kept }, { ...POST, headers: kept }),
    named('a query', { target: '/a?b=c%20d' }),
    ...['OPTIONS', 'DELETE', 'PROPFIND'].map((method) => ({ ...named(method, { method }), meant: NO_LENGTH })),
    // The legacy application's own answers of HTTP/1.0.
    ...[{ framing: 'length' }, { framing: 'close' }, { framing: 'length', body: EMPTY }].map(
      (answer, i): Case => ({
        family: 'HTTP/1.0',
        name: `answered with HTTP/1.0 ${i}`,
        asks: [{ answer: { ...(answer as Partial<Answer>), statusLine: 'HTTP/1.0 200 OK' } }],
      }),
    ),
  ]
}

const EXPECT: Header = ['Expect', '100-continue']

export function continueCases(): Case[] {
  const family = '100-continue'
  const named = (name: string, ask: Ask, ...more: Ask[]): Case => ({
    family,
    name,
    asks: [{ ...POST, headers: [EXPECT], awaits: true, ...ask }, ...more],
  })
  return [
    named('goes on', { answer: { onExpect: 'continue' } }),
    named('goes on, 1 MiB', { body: bytesOf(1_048_576), answer: { onExpect: 'continue' } }),
    named('goes on, in chunks', { ...IN_CHUNKS, answer: { onExpect: 'continue' } }),
    named('goes on, and a GET behind it', { answer: { onExpect: 'continue' } }, {}),
    named('goes on, written otherwise', { headers: [['expect', '100-Continue']], answer: { onExpect: 'continue' } }),
    {
      ...named('the body does not wait', { awaits: false, answer: { onExpect: 'continue' } }),
      meant: {
        reason: '100 may be left out when some of the body has come (RFC 9110, 10.1.1)',
        allows: ['interim answers: 100  → '],
      },
    },
    named('no body comes', { body: '', answer: { onExpect: 'continue' } }),
    ...['417 Expectation Failed', '413 Payload Too Large', '401 Unauthorized', '302 Found'].map((line) =>
      named(line, { answer: { statusLine: `HTTP/1.1 ${line}`, onExpect: 'refuse' } }),
    ),
    named('413 to 1 MiB', {
      body: bytesOf(1_048_576),
      answer: { statusLine: 'HTTP/1.1 413 Payload Too Large', onExpect: 'refuse' },
    }),
    named('PUT goes on', { method: 'PUT', answer: { onExpect: 'continue' } }),
    {
      ...named('another expectation', { headers: [['Expect', 'miracles']], awaits: false }),
      meant: {
        reason: 'whoever does not know what is expected may say so (RFC 9110, 10.1.1)',
        allows: ['status: 200 → 417', 'requests received: 1 → 0'],
      },
    },
    named('two expectations', { headers: [EXPECT, ['Expect', 'miracles']], answer: { onExpect: 'continue' } }),
    named('of a GET', { method: 'GET', body: '', answer: { onExpect: 'continue' } }),
    named('nothing is said, and the body comes', { answer: { onExpect: 'ignore' } }),
  ]
}

const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\n'

export function interimCases(): Case[] {
  const family: Family = 'interim and early answers'
  const named = (name: string, ask: Ask): Case => ({ family, name, asks: [ask] })
  const early = (line: string): Partial<Answer> => ({ statusLine: `HTTP/1.1 ${line}`, isEarly: true })
  return [
    named('103', { answer: { interim: [HINTS] } }),
    named('103 twice', { answer: { interim: [HINTS, HINTS] } }),
    named('103 to a POST', { ...POST, answer: { interim: [HINTS] } }),
    named('102', { answer: { interim: ['HTTP/1.1 102 Processing\r\n\r\n'] } }),
    ...['413 Payload Too Large', '401 Unauthorized', '200 OK', '500 Internal Server Error'].flatMap((line) => [
      named(`${line} before a small body was read`, { ...POST, answer: early(line) }),
      named(`${line} before 4 MiB were read`, { method: 'POST', body: bytesOf(4 * 1_048_576), answer: early(line) }),
      named(`${line} before chunks were read`, { ...IN_CHUNKS, body: bytesOf(400_000), answer: early(line) }),
    ]),
  ]
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
export const WEBSOCKET: Header[] = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', KEY],
  ['Sec-WebSocket-Version', '13'],
]

function accepted(more: Header[] = [], greeting = EMPTY): Partial<Answer> {
  return {
    statusLine: 'HTTP/1.1 101 Switching Protocols',
    headers: [['Upgrade', 'websocket'], ['Connection', 'Upgrade'], ...more],
    framing: 'none',
    upgrade: { greeting, sendsBack: 'frames' },
  }
}

const EARLY = framesOf(1, Buffer.from('early'))
const FRAMES = [framesOf(1, Buffer.from('hello')), framesOf(2, bytesOf(200)), framesOf(2, bytesOf(70_000))]
const CLOSING = framesOf(8, Buffer.from([3, 232]))

const OTHER: Ask = {
  headers: [
    ['Upgrade', 'echo/1'],
    ['Connection', 'Upgrade'],
  ],
  answer: {
    ...accepted(),
    headers: [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'echo/1'],
    ],
    upgrade: { greeting: EMPTY, sendsBack: 'bytes' },
  },
}
const NOT_OFFERED: Meant = {
  reason: 'only WebSockets are passed on: of any other upgrade the legacy application is not told (RFC 9110, 7.8)',
  allows: ['status: 101 → 200', 'bytes after 101'],
}

export function upgradeCases(): Case[] {
  const family = 'upgrades'
  const named = (name: string, ask: Ask, frames: Frame[] = FRAMES): Case => ({
    family,
    name,
    asks: [{ headers: WEBSOCKET, answer: accepted(), ...ask }],
    frames,
  })
  const refused = (line: string): Case =>
    named(`refused with ${line}`, { answer: { statusLine: `HTTP/1.1 ${line}` } }, [])
  const asked = (...more: Header[]) => [...WEBSOCKET, ...more]
  return [
    named('frames come back', {}),
    named('one small frame', {}, [framesOf(1, Buffer.from('a'))]),
    named('a ping', {}, [framesOf(9, Buffer.from('ping'))]),
    named('in parts', {}, [framesOf(1, Buffer.from('par'), false), framesOf(0, Buffer.from('ts'))]),
    named('a close', {}, [framesOf(1, Buffer.from('a')), CLOSING]),
    named('nothing is sent', {}, []),
    named('1 MiB', {}, [framesOf(2, bytesOf(1_048_576))]),
    named('with a query and a cookie', {
      target: '/chat?a=b',
      headers: asked(['Cookie', 'a=b'], ['Origin', 'http://c']),
    }),
    named('a subprotocol', {
      headers: asked(['Sec-WebSocket-Protocol', 'chat, superchat'], ['sec-websocket-protocol', 'other']),
      answer: accepted([['Sec-WebSocket-Protocol', 'chat']]),
    }),
    named('an extension', {
      headers: asked(['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits']),
      answer: accepted([['Sec-WebSocket-Extensions', 'permessage-deflate']]),
    }),
    named('Set-Cookie in the answer', {
      answer: accepted([
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]),
    }),
    named('Connection: keep-alive, Upgrade', {
      headers: [['Connection', 'keep-alive, Upgrade'], ['Upgrade', 'websocket'], ...WEBSOCKET.slice(2)],
    }),
    named('written in lower case', { headers: WEBSOCKET.map(([name, value]): Header => [name.toLowerCase(), value]) }),
    named('the server speaks first', { answer: accepted([], Buffer.from([0x81, 2, 0x68, 0x69])) }, [
      { bytes: EMPTY, comesBack: 4 },
    ]),
    named('a frame right behind the request', { body: EARLY.bytes, isUnframed: true }, [
      { bytes: EMPTY, comesBack: EARLY.comesBack },
    ]),
    { ...named('another protocol', OTHER, [{ bytes: bytesOf(1_000), comesBack: 1_000 }]), meant: NOT_OFFERED },
    {
      ...named('a WebSocket with a body', { body: 'abc' }, []),
      meant: {
        reason: 'where its body ends and the frames begin would be in doubt: refused',
        allows: ['status: 101 → 400', 'requests received: 1 → 0', 'bytes after 101'],
      },
    },
    refused('400 Bad Request'),
    refused('403 Forbidden'),
    refused('404 Not Found'),
    refused('426 Upgrade Required'),
    refused('503 Service Unavailable'),
    named(
      'refused in chunks',
      { answer: { statusLine: 'HTTP/1.1 400 Bad Request', framing: 'chunked', body: bytesOf(5_000) } },
      [],
    ),
    named('refused, closed', { answer: { statusLine: 'HTTP/1.1 400 Bad Request', framing: 'close' } }, []),
    named('ignored', { answer: {} }, []),
    named(
      'h2c, ignored',
      {
        headers: [
          ['Upgrade', 'h2c'],
          ['Connection', 'Upgrade, HTTP2-Settings'],
          ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
        ],
        answer: {},
      },
      [],
    ),
    named(
      'h2c with a body, ignored',
      {
        ...POST,
        headers: [
          ['Upgrade', 'h2c'],
          ['Connection', 'Upgrade'],
        ],
        answer: {},
      },
      [],
    ),
    named('Upgrade without Connection', { headers: [['Upgrade', 'websocket']], answer: {} }, []),
  ]
}
