import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Dice } from '../../../src/jobs/seed/random.ts'
import type { Ask, Case, Family } from './case.ts'
import { ANSWER_HEADERS, headersIn } from './header-sets.ts'
import type { Answer } from './legacy-fixture.ts'
import { bytesOf, LARGE_BYTES, LARGER_THAN_OURS_BYTES, randomHeaders, repeated } from './made-up.ts'
import type { Header } from './message.ts'

const EMPTY = Buffer.alloc(0)
const named = (family: Family, name: string, answer: Partial<Answer>, ask: Ask = {}): Case => ({
  family,
  name,
  asks: [{ ...ask, answer }],
})

const STATUSES: [line: string, headers?: Header[]][] = [
  ['200 OK'],
  ['201 Created', [['Location', '/users/2/']]],
  ['202 Accepted'],
  ['203 Non-Authoritative Information'],
  ['204 No Content'],
  ['205 Reset Content'],
  ['207 Multi-Status'],
  ['226 IM Used'],
  ['299 Whatever'],
  ['300 Multiple Choices'],
  ['301 Moved Permanently', [['Location', 'http://legacy.example/users/1/']]],
  ['302 Found', [['Location', '../b?c#d']]],
  ['303 See Other', [['Location', '/a%2Fb']]],
  ['304 Not Modified', [['ETag', '"a"']]],
  ['307 Temporary Redirect', [['Location', 'https://other.example:8443/x']]],
  ['308 Permanent Redirect', [['Location', '//other.example/']]],
  ['400 Bad Request'],
  [
    '401 Unauthorized',
    [
      ['WWW-Authenticate', 'Basic realm="a"'],
      ['WWW-Authenticate', 'Bearer'],
    ],
  ],
  ['402 Payment Required'],
  ['403 Forbidden'],
  ['404 Not Found'],
  ['405 Method Not Allowed', [['Allow', 'GET, HEAD']]],
  ['406 Not Acceptable'],
  ['407 Proxy Authentication Required', [['Proxy-Authenticate', 'Basic realm="p"']]],
  ['408 Request Timeout'],
  ['409 Conflict'],
  ['410 Gone'],
  ['411 Length Required'],
  ['413 Payload Too Large'],
  ["418 I'm a teapot"],
  ['421 Misdirected Request'],
  ['422 Unprocessable Entity'],
  ['426 Upgrade Required', [['Upgrade', 'TLS/1.0']]],
  ['429 Too Many Requests', [['Retry-After', '3']]],
  ['431 Request Header Fields Too Large'],
  ['451 Unavailable For Legal Reasons'],
  ['499 Gone away'],
  ['500 Internal Server Error'],
  ['501 Not Implemented'],
  ['502 Bad Gateway'],
  ['503 Service Unavailable', [['Retry-After', '1']]],
  ['504 Gateway Timeout'],
  ['505 HTTP Version Not Supported'],
  ['599 Whatever'],
  ['600 Beyond'],
  ['999 Farther'],
]
const PHRASES = ['', 'Fine', 'ok', 'All  is\twell', 'O\xe9', 'a: b', repeated('long ', 500)]

/** RFC 9110, 8.6: a 204 says no length, and a 304 need not. */
function lengthOf(line: string): Partial<Answer> {
  return { statusLine: `HTTP/1.1 ${line}`, framing: /^(204|304)/.test(line) ? 'none' : 'length' }
}

export function statusCases(): Case[] {
  return [
    ...STATUSES.map(([line, headers = []]) => named('statuses', line, { ...lengthOf(line), headers })),
    ...STATUSES.filter((_, i) => i % 3 === 0).map(([line, headers = []]) =>
      named('statuses', `${line} to a POST`, { ...lengthOf(line), headers }, { method: 'POST', body: 'a' }),
    ),
    ...PHRASES.map((phrase) =>
      named('statuses', `reason phrase ‘${phrase.slice(0, 12)}’`, { statusLine: `HTTP/1.1 200 ${phrase}` }),
    ),
    named('statuses', 'no blank after the status', { statusLine: 'HTTP/1.1 200' }),
  ]
}

const DATED: Header = ['Date', 'Mon, 01 Jan 2024 00:00:00 GMT']

export function answerHeaderCases(dice: Dice): Case[] {
  const family = 'answer headers'
  return [
    ...ANSWER_HEADERS.map(([name, ...lines]) => named(family, name, { headers: headersIn(lines) })),
    ...ANSWER_HEADERS.map(([name, ...lines]) =>
      named(family, `${name}, in chunks`, { headers: headersIn(lines), framing: 'chunked' }),
    ),
    ...Array.from({ length: 40 }, (_, i) => named(family, `made up ${i}`, { headers: randomHeaders(dice, 'Y-') })),
  ]
}

const SIZES = [0, 1, 65_535, 65_536, 65_537, 1_048_576, LARGE_BYTES]
const ODD_CHUNKS = [1, 2, 3, 5, 8, 4_096, 65_536, 700_001]
const CODINGS: [name: string, body: Buffer][] = [
  ['gzip', gzipSync(repeated('{"a":1}', 9_000))],
  ['br', brotliCompressSync(repeated('{"a":1}', 9_000))],
  ['deflate', deflateSync(repeated('{"a":1}', 9_000))],
  ['identity', Buffer.from('as it is')],
  ['gzip, br', brotliCompressSync(gzipSync('twice'))],
  ['x-unknown', bytesOf(77)],
  ['gzip', Buffer.from('not gzip at all')],
]
const CHARSETS = ['utf-8', 'iso-8859-1', 'iso-8859-2', 'windows-1250', 'utf-16le', 'shift_jis', 'x-none']
const EVENTS = Buffer.from('data: 1\n\nid: 2\ndata: a\ndata: b\n\n: comment\n\nretry: 5\n\n')
const EVENT_STREAM: Header[] = [
  ['Content-Type', 'text/event-stream'],
  ['Cache-Control', 'no-cache'],
]

export function answerBodyCases(dice: Dice): Case[] {
  const family = 'answer bodies'
  const kinds = ['length', 'chunked', 'close'] as const
  return [
    ...SIZES.flatMap((size) =>
      kinds.map((framing) =>
        named(family, `${size} bytes by ${framing}`, { framing, body: bytesOf(size), chunkSizes: ODD_CHUNKS }),
      ),
    ),
    named(family, `${LARGER_THAN_OURS_BYTES} bytes by length`, { body: bytesOf(LARGER_THAN_OURS_BYTES) }),
    ...CODINGS.flatMap(([coding, body]) =>
      (['length', 'chunked'] as const).map((framing) =>
        named(family, `${coding} ${body.length} by ${framing}`, {
          framing,
          body,
          headers: [['Content-Encoding', coding]],
        }),
      ),
    ),
    ...CHARSETS.map((charset) =>
      named(family, charset, { body: bytesOf(500), headers: [['Content-Type', `text/html; charset=${charset}`]] }),
    ),
    named(family, 'chunks of one byte', { framing: 'chunked', body: bytesOf(500), chunkSizes: [1] }),
    named(family, 'chunks with extensions', {
      framing: 'chunked',
      body: bytesOf(50),
      chunkSizes: [9],
      chunkExtension: ';a=b',
    }),
    named(family, 'trailers', { framing: 'chunked', trailers: ['X-T: 1'], headers: [['Trailer', 'X-T']] }),
    ...kinds.map((framing) => named(family, `drips by ${framing}`, { framing, body: bytesOf(40), pieceBytes: 3 })),
    ...kinds.map((framing) =>
      named(family, `byte by byte by ${framing}`, { framing, body: bytesOf(20), pieceBytes: 1 }),
    ),
    ...(['chunked', 'close'] as const).flatMap((framing) => [
      named(family, `event stream by ${framing}`, { framing, body: EVENTS, headers: EVENT_STREAM, pieceBytes: 9 }),
      named(family, `event stream by ${framing}, held back`, {
        framing,
        body: EVENTS,
        headers: EVENT_STREAM,
        isHeld: true,
        chunkSizes: [9],
      }),
      named(family, `text by ${framing}, held back`, { framing, body: bytesOf(3_000), isHeld: true, chunkSizes: [9] }),
    ]),
    named(family, 'by length, held back', { body: bytesOf(3_000), isHeld: true }),
    ...Array.from({ length: 20 }, (_, i) => {
      const chunkSizes = Array.from({ length: 1 + dice.below(6) }, () => 1 + dice.below(30_000))
      const framing = dice.pick(kinds)
      return named(family, `made up ${i}, by ${framing}`, { framing, body: bytesOf(dice.below(200_000)), chunkSizes })
    }),
  ]
}

export function headCases(): Case[] {
  const family = 'HEAD'
  const head: Ask = { method: 'HEAD' }
  return [
    ...[0, 1, 1_234, 16 * 1_048_576].map((size) => named(family, `${size} bytes`, { body: Buffer.alloc(size) }, head)),
    named(family, 'chunks', { framing: 'chunked' }, head),
    named(family, 'no length said', { framing: 'close' }, head),
    ...['gzip', 'br'].map((coding) =>
      named(
        family,
        coding,
        {
          headers: [
            ['Content-Encoding', coding],
            ['ETag', 'W/"a"'],
          ],
        },
        head,
      ),
    ),
    ...STATUSES.filter((_, i) => i % 4 === 0).map(([line, headers = []]) =>
      named(family, line, { ...lengthOf(line), headers }, head),
    ),
    {
      family,
      name: 'and a GET behind it',
      asks: [{ ...head, answer: { body: bytesOf(99) } }, { answer: { body: bytesOf(99) } }, head],
    },
  ]
}

const PARTIAL = 'HTTP/1.1 206 Partial Content'

export function rangeCases(): Case[] {
  const family = 'ranges and conditions'
  const partial = (range: string, answered: Header[], body: Buffer): Case =>
    named(family, `Range: ${range}`, { statusLine: PARTIAL, headers: answered, body }, { headers: [['Range', range]] })
  const ask = (header: Header, line: string, headers: Header[]): Case =>
    named(family, `${header.join(': ')}, ${line}`, { ...lengthOf(line), headers, body: EMPTY }, { headers: [header] })
  return [
    partial('bytes=0-9', [['Content-Range', 'bytes 0-9/100']], bytesOf(10)),
    partial('bytes=-1', [['Content-Range', 'bytes 99-99/100']], bytesOf(1)),
    partial('bytes=50-', [['Content-Range', 'bytes 50-99/*']], bytesOf(50)),
    partial(
      'bytes=0-0,2-2',
      [['Content-Type', 'multipart/byteranges; boundary=q']],
      Buffer.from('--q\r\n\r\na\r\n--q--'),
    ),
    partial('items=1', [['Content-Range', 'items 1/2']], bytesOf(5)),
    ask(['Range', 'bytes=900-'], '416 Range Not Satisfiable', [['Content-Range', 'bytes */100']]),
    ask(['If-None-Match', '"a", W/"b"'], '304 Not Modified', [
      ['ETag', 'W/"b"'],
      ['Cache-Control', 'max-age=1'],
    ]),
    ask(['If-None-Match', '*'], '412 Precondition Failed', []),
    ask(['If-Match', '"x"'], '412 Precondition Failed', [['ETag', '"y"']]),
    ask(['If-Modified-Since', 'Sun, 06 Nov 1994 08:49:37 GMT'], '304 Not Modified', [DATED]),
    ask(['If-Unmodified-Since', 'yesterday'], '200 OK', [['Last-Modified', 'never']]),
    ask(['If-Range', '"a"'], '200 OK', [['Accept-Ranges', 'none']]),
    named(family, '304 with a length', {
      statusLine: 'HTTP/1.1 304 Not Modified',
      body: bytesOf(9),
      headers: [['ETag', '"a"']],
    }),
    named(
      family,
      '304 to a HEAD',
      { statusLine: 'HTTP/1.1 304 Not Modified', body: EMPTY, framing: 'none' },
      { method: 'HEAD' },
    ),
    named(
      family,
      'HEAD of a range',
      { statusLine: PARTIAL, body: bytesOf(10) },
      { method: 'HEAD', headers: [['Range', 'bytes=0-9']] },
    ),
  ]
}
