import { repeated } from './made-up.ts'
import type { Header } from './message.ts'

/** Lines as they are written, latin1. */
export type HeaderSet = [name: string, ...lines: string[]]

export function headersIn(lines: readonly string[]): Header[] {
  return lines.map((line) => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  })
}

export const REQUEST_HEADERS: HeaderSet[] = [
  ['a header twice', 'X-A: 1', 'X-A: 2'],
  ['a header twice, in other case', 'X-A: 1', 'x-a: 2', 'X-a: 3'],
  ['a header twice, others between', 'X-A: 1', 'X-B: 2', 'X-A: 3'],
  ['odd case', 'x-LOWER-upper: a', 'ACCEPT: */*', 'uSER-aGENT: b'],
  ['an empty value', 'X-Empty: ', 'Accept: '],
  ['latin1', 'X-Latin: caf\xe9 \xa0 \xff'],
  ['UTF-8 bytes', 'X-Utf: \xe2\x82\xac \xf0\x9f\x98\x80'],
  ['tabs and blanks within', 'X-Blank: a \t  b'],
  ['quotes and commas', 'X-Quoted: "a, b", c; d="e\\"f"'],
  ['odd names', "X!#$%&'*+-.^`|~9: a"],
  ['odd names, an underscore among them', "X!#$%&'*+-.^_`|~9: a"],
  ['a name of one letter', 'A: b'],
  ['names with underscores', 'X_Custom: a', 'a_b_c: d'],
  ['a name that JavaScript knows', 'constructor: a', '__proto__: b', 'toString: c', 'hasOwnProperty: d'],
  ['names that a server believes', 'SCRIPT_NAME: /evil', 'PATH_INFO: /evil', 'REMOTE_USER: root', 'X-Kept: a'],
  ['a value of 4 KiB', `X-Long: ${repeated('long ', 4_096)}`],
  ['12 KiB of headers', `X-Long: ${repeated('a', 6_000)}`, `X-Long: ${repeated('b', 6_000)}`],
  ['100 headers', ...Array.from({ length: 100 }, (_, i) => `X-Number-${i}: ${i}`)],
  ['one cookie', 'Cookie: sessionid=abc; csrftoken=def'],
  ['several Cookie lines', 'Cookie: a=1', 'Cookie: b=2', 'cookie: c=3'],
  ['many cookies', `Cookie: ${Array.from({ length: 80 }, (_, i) => `c${i}=v${i}`).join('; ')}`],
  ['an odd cookie', 'Cookie: a="b c"; d=e=f; =g; h; i=\xe9'],
  ['Authorization basic', 'Authorization: Basic dXNlcjpwYXNz'],
  ['Authorization bearer', 'authorization: Bearer a.b.c'],
  ['Authorization twice', 'Authorization: Basic YQ==', 'Authorization: Basic Yg=='],
  ['Accept lists', 'Accept: text/html,application/json;q=0.9', 'Accept-Language: pl, en;q=0.5'],
  ['Accept-Encoding', 'Accept-Encoding: gzip, br;q=1.0, identity;q=0, *;q=0.1'],
  ['Accept twice', 'Accept: a/b', 'Accept: c/d'],
  ['User-Agent twice', 'User-Agent: a', 'User-Agent: b'],
  ['Content-Type without a body', 'Content-Type: application/json'],
  ['Content-Type twice', 'Content-Type: a/b', 'Content-Type: c/d'],
  ['Referer and Origin', 'Referer: http://a.example/b?c#d', 'Origin: null'],
  ['an X-Request-Id of its own', 'X-Request-Id: client-1'],
  ['Via of another proxy', 'Via: 1.0 fred, 1.1 p.example.net'],
  ['trace context', 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate: a=b'],
  ['Cache-Control and Pragma', 'Cache-Control: no-cache, max-age=0', 'Pragma: no-cache'],
  ['Upgrade-Insecure-Requests', 'Upgrade-Insecure-Requests: 1', 'Sec-Fetch-Mode: navigate'],
  ['Max-Forwards', 'Max-Forwards: 10'],
  ['Date and From', 'Date: Sun, 29 Nov 2026 10:00:00 GMT', 'From: a@b.example'],
  ['X-HTTP-Method-Override', 'X-HTTP-Method-Override: DELETE'],
  ['X-Original-URL', 'X-Original-URL: /admin', 'X-Rewrite-URL: /admin'],
  ['X-Forwarded-For of a client', 'X-Forwarded-For: 1.2.3.4', 'X-Real-IP: 1.2.3.4'],
  ['Connection names a header', 'Connection: X-Hop', 'X-Hop: a', 'X-Kept: b'],
  ['Connection names several', 'Connection: keep-alive, X-Hop, x-other', 'x-hop: a', 'X-Other: b', 'X-C: d'],
  ['Connection twice', 'Connection: X-Hop', 'Connection: X-Other', 'X-Hop: a', 'X-Other: b'],
  ['Keep-Alive', 'Connection: Keep-Alive', 'Keep-Alive: timeout=5'],
  ['Proxy-Connection', 'Proxy-Connection: keep-alive', 'X-A: b'],
  ['TE trailers', 'TE: trailers', 'Connection: TE'],
  ['TE without Connection', 'TE: trailers, deflate;q=0.5'],
  ['Connection close', 'Connection: close'],
]

const DATED = 'Date: Mon, 01 Jan 2024 00:00:00 GMT'

export const ANSWER_HEADERS: HeaderSet[] = [
  ['none at all'],
  ['no Date', 'Server: x'],
  ['a Date of its own', DATED],
  ['a Date twice', DATED, 'date: Tue, 02 Jan 2024 00:00:00 GMT'],
  ['many Set-Cookie', ...Array.from({ length: 30 }, (_, i) => `Set-Cookie: c${i}=v; Path=/; HttpOnly`)],
  [
    'Set-Cookie of odd case',
    'set-cookie: a=1',
    'SET-COOKIE: b=2',
    'Set-Cookie: c="\xe9, ;"; Expires=Thu, 01 Jan 2026 00:00:00 GMT',
  ],
  ['Set-Cookie between others', 'Set-Cookie: a=1', 'X-A: b', 'Set-Cookie: c=2'],
  ['odd case and order', 'x-b: 1', 'X-A: 2', 'ETAG: "q"', 'content-TYPE: a/b', 'server: S'],
  ['a header twice', 'X-A: 1', 'X-A: 2', 'x-a: 3'],
  [
    'Vary, Link, Cache-Control twice',
    'Vary: a',
    'Link: <a>',
    'Vary: b',
    'Link: <b>',
    'Cache-Control: c',
    'Cache-Control: d',
  ],
  ['Content-Type twice', 'Content-Type: a/b', 'Content-Type: c/d'],
  [
    'ETag, Last-Modified, Expires twice',
    'ETag: "a"',
    'ETag: "b"',
    'Last-Modified: a',
    'Last-Modified: b',
    'Expires: 0',
    'Expires: -1',
  ],
  ['latin1', 'X-Latin: caf\xe9\xff', 'Content-Disposition: attachment; filename="\xe9.pdf"'],
  ['UTF-8 bytes', 'X-Utf: \xe2\x82\xac'],
  ['empty values', 'X-Empty: ', 'Content-Type: '],
  ['odd names', "x!#$%&'*+.^`|~: a", 'A: b', 'a_b: c'],
  ['names that JavaScript knows', '__proto__: a', 'constructor: b', 'toString: c'],
  ['100 headers', ...Array.from({ length: 100 }, (_, i) => `X-Number-${i}: ${i}`)],
  ['12 KiB of headers', `X-Long: ${repeated('a', 6_000)}`, `X-Long: ${repeated('b', 6_000)}`],
  ['ours by name', 'Answered-By: django', 'X-Request-Id: theirs'],
  ['Via, Age, Warning', 'Via: 1.1 cache', 'Age: 5', 'Warning: 110 - "stale"'],
  ['hop-by-hop', 'Connection: X-Hop', 'X-Hop: a', 'Keep-Alive: timeout=5', 'X-Kept: b'],
  [
    'security headers',
    'Strict-Transport-Security: max-age=1',
    'X-Frame-Options: DENY',
    "Content-Security-Policy: default-src 'self'",
  ],
  ['CORS', 'Access-Control-Allow-Origin: *', 'Access-Control-Expose-Headers: a, b'],
  ['Trailer', 'Trailer: X-T'],
  ['tabs and blanks within', 'X-Blank: a \t  b'],
]
