import { METHODS } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Dice } from '../../../src/jobs/seed/random.ts'
import type { Case, Meant } from './case.ts'
import { headersIn, REQUEST_HEADERS } from './header-sets.ts'
import { bytesOf, LARGE_BYTES, LARGER_THAN_OURS_BYTES, randomHeaders, repeated } from './made-up.ts'
import type { Header } from './message.ts'

/** Opens a tunnel to whom the client names: the legacy application is no forward proxy. */
const NOT_PASSED_ON = new Set(['CONNECT'])

/** Node's client cannot leave it out where a body is usual. */
export const NO_LENGTH: Meant = {
  reason: 'that there is no body may be said (RFC 9110, 8.6)',
  allows: ['request framing: none → length', 'request header added: content-length:  → 0'],
}

export function methodCases(): Case[] {
  return METHODS.filter((method) => !NOT_PASSED_ON.has(method)).flatMap((method): Case[] => {
    const named = (what: string, ask: Case['asks'][number]): Case => ({
      family: 'methods',
      name: `${method} ${what}`,
      asks: [{ method, ...ask }],
    })
    return [
      { ...named('without a body', { target: '/users/1/?a=b' }), meant: NO_LENGTH },
      named('with a body', { body: '{"a":1}', headers: [['Content-Type', 'application/json']] }),
      named('with a body in chunks', { body: bytesOf(100), chunkSizes: [1, 33, 7] }),
    ]
  })
}

const TARGETS = [
  ...['/', '/?', '/??', '/?a', '/?=', '/?&', '/?a=b&a=c', '/?a=b?c=d', '/users', '/users/', '/users/1', '/users/1/?'],
  ...['/a%2Fb', '/a%2fb/c', '/%2F%2F', '/a%5Cb', '/a\\b', '/%2e%2e/a', '/a/%2e%2e/b', '/%2E', '/a/../b', '/a/./b'],
  ...['/..', '/../..', '/a/..', '/a/b/..;/c', '/..%2f..%2f', '/%252e%252e/', '/.%2e/', '//', '//a', '//a//b//', '///'],
  ...[
    '//other.example/a',
    '/http://other.example/',
    '/a;b=c',
    '/a;b/c;d=e?f;g',
    '/a,b',
    '/a:b',
    '/:80',
    '/@a',
    '/a@b:c',
  ],
  ...['/a+b?c+d', '/a%20b?c%20d', '/a%2Bb', '/[a]', '/a?b[]=1&b[]=2', '/a?b[c]=1', '/a|b', '/a?b|c', '/a^b', '/a`b'],
  ...['/{a}', '/a?{"b":1}', '/"a"', '/<a>', "/a'b", '/a*b', '/*', '/!$&()', '/~a', '/-._~', '/a=b', '/a&b', '/$a'],
  ...['/%zz', '/%', '/%2', '/a?%zz', '/a?%', '/%00', '/a?b=%00', '/%0d%0aX: y', '/%0D%0AX:y', '/%0a', '/%09', '/%7F'],
  ...['/%FF', '/%C0%AF', '/%ED%A0%80', '/%E9', '/%c3%a9', '/%C3%A9?%C3%A9=%E2%82%AC', '/%F0%9F%98%80', '/%u00e9'],
  ...[
    '/a?b=http://c/d?e',
    '/a?//',
    '/a?/../b',
    '/a?#',
    '/a/?next=/../../etc/passwd',
    '/A/b/C',
    '/a.b.c',
    '/.a',
    '/...',
  ],
  ...[
    '/favicon.ico',
    '/static/a.css',
    '/index.php',
    '/cgi-bin/a.cgi?a',
    '/a?a=1;b=2',
    '/a?&&&',
    '/a?a==b',
    '/1/2/3/4/5/6',
  ],
]
const NO_URI: Meant = {
  reason: 'no character of a URI (RFC 3986): Node’s own parser refuses it',
  allows: ['status: 200 → 400', 'requests received: 1 → 0'],
}
/** RFC 9112, 3.2.2. */
const asked = (target: string, path: string, host: string): Meant => ({
  reason: 'absolute-form says the host itself, and what is passed on is its path',
  allows: [`target: ${target} → ${path}`, `request header value: host: legacy.example → ${host}`],
})
const ABSOLUTE: [target: string, path: string, host: string][] = [
  ['http://other.example/a?b', '/a?b', 'other.example'],
  ['http://other.example:8080/a%2Fb', '/a%2Fb', 'other.example:8080'],
  ['HTTP://OTHER.example/', '/', 'OTHER.example'],
  ['https://a.example/b', '/b', 'a.example'],
  ['http://other.example?a', '/?a', 'other.example'],
]

export function targetCases(): Case[] {
  const family = 'targets'
  const plain = TARGETS.filter((target) => !target.includes(' '))
  return [
    ...plain.map((target): Case => ({ family, name: target, asks: [{ target }] })),
    ...[1_000, 4_000, 8_000, 12_000].map(
      (length): Case => ({
        family,
        name: `of ${length} bytes`,
        asks: [{ target: `/${repeated('a/b?c=%20', length)}` }],
      }),
    ),
    { family, name: 'OPTIONS *', asks: [{ method: 'OPTIONS', target: '*' }] },
    { family, name: 'UTF-8 as it is', asks: [{ target: '/\xc3\xa9?\xe2\x82\xac' }], meant: NO_URI },
    { family, name: 'latin1 as it is', asks: [{ target: '/\xe9' }], meant: NO_URI },
    { family, name: 'a fragment', asks: [{ target: '/a#b' }] },
    { family, name: 'POST with a query', asks: [{ method: 'POST', target: '/a?b=c', body: 'd=e' }] },
    ...ABSOLUTE.map(
      ([target, path, host]): Case => ({ family, name: target, asks: [{ target }], meant: asked(target, path, host) }),
    ),
  ]
}

/** In lower case: what an application behind an ingress may believe, and a stranger must not say. */
const BELIEVED: ReadonlySet<string> = new Set(['x-real-ip', 'x-original-url', 'x-rewrite-url'])

/** What of these the legacy application must not get from a client that nobody trusts. */
function kept(headers: Header[]): { meant?: Meant } {
  const dropped = headers.flatMap(([name]) => (name.includes('_') || BELIEVED.has(name.toLowerCase()) ? name : []))
  if (dropped.length === 0) return {}
  const reason =
    'dropped: WSGI folds _ and -, gunicorn believes SCRIPT_NAME; and how it was asked says the ingress alone'
  return { meant: { reason, allows: dropped.map((name) => `request header lost: ${name.toLowerCase()}: `) } }
}

/** Of what is made up all is compared: nothing is dropped. */
const passedOn = (headers: Header[]) => headers.map(([name, value]): Header => [name.replaceAll('_', '.'), value])

export function requestHeaderCases(dice: Dice): Case[] {
  const family = 'request headers'
  const withHeaders = (name: string, headers: Header[]): Case => ({
    family,
    name,
    asks: [{ headers }],
    ...kept(headers),
  })
  return [
    ...REQUEST_HEADERS.map(([name, ...lines]) => withHeaders(name, headersIn(lines))),
    ...['LEGACY.example', 'legacy.example:80', 'legacy.example:8080', '10.0.0.1', '[::1]:8000', 'a_b.example', 'x'].map(
      (host): Case => ({ family, name: `Host ${host}`, asks: [{ host }] }),
    ),
    { family, name: 'Host empty', asks: [{ host: '' }] },
    ...Array.from({ length: 40 }, (_, i) => withHeaders(`made up ${i}`, passedOn(randomHeaders(dice, 'X-')))),
  ]
}

const TYPES: [type: string, body: Buffer | string][] = [
  ['application/json', '{"a": [1, 2.50, "\xc3\xa9"], "a": 1 }'],
  ['application/json', '{"broken":'],
  ['application/json', ''],
  ['application/json; charset=utf-8', '{}'],
  ['application/x-www-form-urlencoded', 'a=b&a=c&d=%zz+%20'],
  ['multipart/form-data; boundary=x', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'],
  ['text/plain', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['text/xml; charset=iso-8859-1', '<a>\xe9</a>'],
  ['application/octet-stream', bytesOf(256)],
  ['image/png', bytesOf(5_000)],
  ['', 'an empty type'],
  ['no/such, type; x', 'an odd type'],
]
const SIZES = [1, 2, 100, 16_383, 16_384, 65_535, 65_536, 65_537, 1_048_576]

export function requestBodyCases(dice: Dice): Case[] {
  const family = 'request bodies'
  const post = (name: string, ask: Case['asks'][number]): Case => ({ family, name, asks: [{ method: 'POST', ...ask }] })
  return [
    ...TYPES.map(([type, body], i) => post(`${type} ${i}`, { body, headers: [['Content-Type', type]] })),
    ...SIZES.map((size) => post(`${size} bytes`, { body: bytesOf(size) })),
    ...SIZES.map((size) =>
      post(`${size} bytes in chunks`, { body: bytesOf(size), chunkSizes: [1 + (size >> 3), 7, 4_096] }),
    ),
    post('16 MiB', { body: bytesOf(LARGER_THAN_OURS_BYTES) }),
    post('4 MiB in chunks', { body: bytesOf(LARGE_BYTES), chunkSizes: [65_536, 1_000_000] }),
    { ...post('no length said', {}), meant: NO_LENGTH },
    post('Content-Length: 0', { body: '' }),
    post('Content-Length: 007', { body: '1234567', isUnframed: true, headers: [['Content-Length', '007']] }),
    post('byte by byte', { body: '{"a":1}', pieceBytes: 1 }),
    post('byte by byte in chunks', { body: bytesOf(60), chunkSizes: [1, 20], chunkExtension: ';a', pieceBytes: 1 }),
    post('in pieces of 7', { body: bytesOf(1_000), pieceBytes: 7 }),
    post('chunks, and none', { body: '', chunkSizes: [1] }),
    post('chunks of one byte', { body: bytesOf(300), chunkSizes: [1] }),
    post('chunks with extensions', { body: bytesOf(99), chunkSizes: [10], chunkExtension: ';a=b;c="d;e"' }),
    post('trailers', {
      body: 'abc',
      chunkSizes: [3],
      trailers: ['X-Checksum: abc'],
      headers: [['Trailer', 'X-Checksum']],
    }),
    post('gzip', {
      body: gzipSync('{"a":1}'),
      headers: [
        ['Content-Encoding', 'gzip'],
        ['Content-Type', 'application/json'],
      ],
    }),
    post('no type', { body: '{"a":1}' }),
    ...['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'REPORT', 'SEARCH'].flatMap((method): Case[] => [
      { family, name: `${method} with 70 KB`, asks: [{ method, body: bytesOf(70_000) }] },
      { family, name: `${method} with nothing`, asks: [{ method, body: '' }] },
    ]),
    { family, name: 'GET with nothing', asks: [{ body: '' }] },
    { family, name: 'GET with 70 KB', asks: [{ body: bytesOf(70_000) }] },
    { family, name: 'GET with 70 KB in chunks', asks: [{ body: bytesOf(70_000), chunkSizes: [999] }] },
    ...Array.from({ length: 20 }, (_, i) => {
      const chunkSizes = Array.from({ length: 1 + dice.below(6) }, () => 1 + dice.below(3_000))
      return post(`made up ${i}: ${chunkSizes.join(' ')}`, { body: bytesOf(dice.below(20_000)), chunkSizes })
    }),
  ]
}
