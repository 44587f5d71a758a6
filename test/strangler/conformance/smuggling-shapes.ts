/**
 * Bytes that two servers may read as different requests. `refused`: the legacy application must not see any of it, and
 * the connection must be closed. `seen`: it must see exactly these, each `METHOD target body`.
 */
export type Shape = {
  name: string
  bytes: string
  /** The client says that nothing more will come: else the rest of the request would be waited for. */
  isEnded?: boolean
  /** Node finds the fault when it has handed the request on already, and then ends the connection without a word. */
  mayEnd?: boolean
} & ({ refused: readonly number[] } | { seen: string[]; without?: RegExp; answered?: readonly number[] })

/** Follows the ambiguous part in most shapes: whoever reads on beyond it finds this. */
const INNER = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Case: 0\r\n\r\n'
const CHUNKS = '3\r\nabc\r\n0\r\n\r\n'

const post = (headers: string, body: string) => `POST /outer HTTP/1.1\r\nHost: a\r\nX-Case: 0\r\n${headers}\r\n${body}`
const get = (headers: string) => `GET /outer HTTP/1.1\r\nX-Case: 0\r\n${headers}\r\n`
const refusedAs =
  (refused: readonly number[], mayEnd = false) =>
  (name: string, bytes: string): Shape => ({
    ...{ name, bytes, refused, mayEnd },
  })
const refused = refusedAs([400])
const seen = (name: string, bytes: string, ...requests: string[]): Shape => ({ name, bytes, seen: requests })

const WHOLE_LENGTH = Buffer.byteLength(`${CHUNKS}${INNER}`)

const LENGTHS = [
  '+3',
  '-3',
  '3 ',
  '0x3',
  '3abc',
  '3,3',
  '3, 4',
  '',
  ' ',
  '3.0',
  '1e1',
  '３',
  '99999999999999999999',
  '3;a',
]
const CODINGS = [
  ...[
    'xchunked',
    'chunkedx',
    'chunked, identity',
    'identity',
    'gzip',
    'gzip, chunked',
    'chunked, chunked',
    'chunked;q=1',
  ],
  ...['"chunked"', "'chunked'", 'chunked,', ',chunked', '\x0bchunked', 'chunked\x0b', 'chun ked', 'cow', '', 'deflate'],
]
const SIZES = ['-3', '+3', '0x3', '3 ', ' 3', '', 'g', 'ffffffffffffffff3', '10000000000000003', '3\0', '3\t;a', '3_0']

export const SHAPES: Shape[] = [
  ...lengthAndCoding(),
  ...LENGTHS.map((length) => lengthShape(length)),
  refused('Content-Length twice, equal', post('Content-Length: 3\r\nContent-Length: 3\r\n', `abc${INNER}`)),
  refused('Content-Length twice, unequal', post(`Content-Length: 3\r\nContent-Length: 9\r\n`, `abc${INNER}`)),
  refused('Content-Length twice, 0 first', post(`Content-Length: 0\r\ncontent-length: 46\r\n`, INNER)),
  ...CODINGS.map((coding) =>
    refusedAs([400, 501], true)(
      `Transfer-Encoding: ${JSON.stringify(coding)}`,
      post(`Transfer-Encoding: ${coding}\r\n`, CHUNKS + INNER),
    ),
  ),
  seen('Transfer-Encoding: Chunked', post('Transfer-Encoding: Chunked\r\n', CHUNKS), 'POST /outer abc'),
  seen('Transfer-Encoding: tab chunked', post('Transfer-Encoding:\tchunked\r\n', CHUNKS), 'POST /outer abc'),
  seen('transfer-ENCODING', post('transfer-ENCODING: chunked\r\n', CHUNKS), 'POST /outer abc'),
  refusedAs([400, 501])(
    'Transfer-Encoding twice',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKS),
  ),
  refusedAs([400, 501])(
    'Transfer-Encoding twice, cow',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n', CHUNKS),
  ),
  refusedAs([400, 501])(
    'Transfer-Encoding twice, identity first',
    post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', CHUNKS),
  ),
  refused('HTTP/1.0 with chunks', post('Transfer-Encoding: chunked\r\n', CHUNKS).replace('HTTP/1.1', 'HTTP/1.0')),
  refused(
    'GET with both',
    `GET /outer HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`,
  ),
  seen(
    'GET with a length',
    get(`Host: a\r\nContent-Length: ${INNER.length}\r\n`) + INNER,
    `GET /outer ${INNER.slice(0, 40)}`,
  ),
  seen(
    'HEAD with a length',
    `HEAD /outer HTTP/1.1\r\nHost: a\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
    `HEAD /outer ${INNER.slice(0, 40)}`,
  ),
  ...chunkShapes(),
  ...lineShapes(),
  ...headerShapes(),
  ...targetShapes(),
]

function lengthAndCoding(): Shape[] {
  const coding = 'Transfer-Encoding: chunked\r\n'
  return [
    refused('CL.TE', post(`Content-Length: ${WHOLE_LENGTH}\r\n${coding}`, CHUNKS + INNER)),
    refused('TE.CL', post(`${coding}Content-Length: 3\r\n`, CHUNKS + INNER)),
    refused('TE.CL 0', post(`${coding}Content-Length: 0\r\n`, CHUNKS + INNER)),
    refused(
      'CL.TE, blank before the colon',
      post(`Content-Length: 3\r\nTransfer-Encoding : chunked\r\n`, `abc${INNER}`),
    ),
    refused('CL.TE, in the name a NUL', post(`Content-Length: 3\r\nTransfer-Encoding\0: chunked\r\n`, `abc${INNER}`)),
    refused('CL.TE, folded', post(`Content-Length: 3\r\nTransfer-Encoding:\r\n chunked\r\n`, `abc${INNER}`)),
    refused(
      'CL.TE, behind a bare LF',
      post(`Content-Length: 3\r\nX: y\nTransfer-Encoding: chunked\r\n`, `abc${INNER}`),
    ),
    refused(
      'CL.TE, behind a bare CR',
      post(`Content-Length: 3\r\nX: y\rTransfer-Encoding: chunked\r\n`, `abc${INNER}`),
    ),
    {
      ...seen(
        'CL.TE, with an underscore',
        post(`Content-Length: 3\r\nTransfer_Encoding: chunked\r\n`, 'abc'),
        'POST /outer abc',
      ),
      without: /^transfer_encoding/im,
    },
    {
      ...seen('CL with an underscore', post(`Content-Length: 3\r\nContent_Length: 9\r\n`, 'abc'), 'POST /outer abc'),
      without: /^content_length/im,
    },
    {
      ...seen(
        'Connection names Content-Length',
        post('Connection: Content-Length\r\nContent-Length: 3\r\n', 'abc'),
        'POST /outer abc',
      ),
    },
    {
      ...seen(
        'Connection names Transfer-Encoding',
        post('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n', CHUNKS),
        'POST /outer abc',
      ),
    },
    { ...seen('Connection names Host', get('Host: a\r\nConnection: Host, close\r\n'), 'GET /outer ') },
    {
      ...seen(
        'Connection names Expect',
        post('Connection: Expect\r\nExpect: 100-continue\r\nContent-Length: 3\r\n', 'abc'),
        'POST /outer abc',
      ),
    },
  ]
}

function lengthShape(length: string): Shape {
  const bytes = post(`Content-Length: ${Buffer.from(length).toString('latin1')}\r\n`, `abc${INNER}`)
  // A blank behind a value is none of it (RFC 9112, 5).
  const name = `Content-Length: ${JSON.stringify(length)}`
  if (length === '3 ') return seen(name, bytes, 'POST /outer abc', 'GET /smuggled ')
  return refusedAs([400, 413])(name, bytes)
}

function chunkShapes(): Shape[] {
  const coded = (body: string) => post('Transfer-Encoding: chunked\r\n', body)
  // What was well-formed before the fault is on its way already: it must not end as if it were whole.
  const broken = (name: string, body: string): Shape => ({
    name,
    bytes: coded(body),
    refused: [400, 413],
    mayEnd: true,
  })
  return [
    ...SIZES.map((size) => broken(`chunk of size ${JSON.stringify(size)}`, `${size}\r\nabc\r\n0\r\n\r\n${INNER}`)),
    broken('chunk longer than said', `2\r\nabc\r\n0\r\n\r\n${INNER}`),
    broken('chunk without its CR LF', `3\r\nabc0\r\n\r\n${INNER}`),
    broken('chunk size ended by a bare LF', `3\nabc\r\n0\r\n\r\n${INNER}`),
    broken('chunk ended by a bare LF', `3\r\nabc\n0\r\n\r\n${INNER}`),
    broken('chunk ended by two other bytes', `3\r\nabcxx0\r\n\r\n${INNER}`),
    broken('extension with a bare LF', `3;a\nabc\r\n0\r\n\r\n${INNER}`),
    broken('extension with a bare CR', `3;a\rb\r\nabc\r\n0\r\n\r\n${INNER}`),
    broken('extension of 20 KB', `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n${INNER}`),
    seen('extension, quoted', coded('3;a="b;c"\r\nabc\r\n0;d\r\n\r\n'), 'POST /outer abc'),
    seen('size with zeros before it', coded('0003\r\nabc\r\n000\r\n\r\n'), 'POST /outer abc'),
    broken('trailers that speak of framing', '3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n'),
    seen('trailers', coded('3\r\nabc\r\n0\r\nX-T: 50\r\nHost: b\r\n\r\n'), 'POST /outer abc'),
    seen('a request behind the last chunk', coded(CHUNKS) + INNER, 'POST /outer abc', 'GET /smuggled '),
    { name: 'no last chunk', bytes: coded('3\r\nabc\r\n'), isEnded: true, refused: [400], mayEnd: true },
    {
      name: 'body shorter than its length',
      bytes: post('Content-Length: 9\r\n', 'abc'),
      isEnded: true,
      refused: [400],
    },
  ]
}

function lineShapes(): Shape[] {
  const line = (text: string) => `${text}\r\nHost: a\r\nX-Case: 0\r\n\r\n`
  return [
    { name: 'HTTP/0.9', bytes: 'GET /outer\r\n\r\n', refused: [400] },
    refusedAs([400, 505])('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
    ...['HTTP/1.2', 'HTTP/3.1', 'HTTP/01.1', 'http/1.1', 'HTTP/1.', 'HTTP/1.10', 'HTTP 1.1', 'ICE/1.0'].map((version) =>
      refusedAs([400, 501, 505])(`version ${version}`, line(`GET /outer ${version}`)),
    ),
    // Read in one way, and passed on in that: not as it came.
    seen('two blanks in the request line', line('GET  /outer HTTP/1.1'), 'GET /outer '),
    seen('version RTSP/1.0', line('GET /outer RTSP/1.0'), 'GET /outer '),
    refused('a tab in the request line', line('GET\t/outer HTTP/1.1')),
    refused('a third part in the request line', line('GET /outer /other HTTP/1.1')),
    refused('a blank before the method', line(' GET /outer HTTP/1.1')),
    refusedAs([400, 501])('a method in lower case', line('get /outer HTTP/1.1')),
    refusedAs([400, 501])('an unknown method', line('FROB /outer HTTP/1.1')),
    refused('a NUL in the target', line('GET /ou\0ter HTTP/1.1')),
    refused('a DEL in the target', line('GET /ou\x7fter HTTP/1.1')),
    refused('a bare LF behind the request line', 'GET /outer HTTP/1.1\nHost: a\r\n\r\n'),
    refused('bare LFs only', 'GET /outer HTTP/1.1\nHost: a\n\n'),
    refused('a bare CR behind the request line', 'GET /outer HTTP/1.1\rHost: a\r\n\r\n'),
    refused('CR CR LF', 'GET /outer HTTP/1.1\r\r\nHost: a\r\n\r\n'),
    seen('an empty line before it', `\r\n${line('GET /outer HTTP/1.1')}`, 'GET /outer '),
    refused('rubbish', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n'),
  ]
}

function headerShapes(): Shape[] {
  const host = 'Host: a\r\n'
  const websocket = 'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
  return [
    // The legacy application answers 200: what follows is no frame, and must not be passed on as if the way were open.
    seen(
      'a request behind a WebSocket that is not opened',
      get(`${host}Connection: Upgrade\r\n${websocket}`) + INNER,
      'GET /outer ',
    ),
    seen(
      'the same, of another version',
      get(`${host}Connection: Upgrade\r\n${websocket.replace('13', '777')}`) + INNER,
      'GET /outer ',
    ),
    refused(
      'a WebSocket with a body',
      get(`${host}Connection: Upgrade\r\n${websocket}Content-Length: ${INNER.length}\r\n`) + INNER,
    ),
    refused('a blank before the colon', get(`${host}X-A : b\r\n`)),
    refused('a blank before the first header', get(` X-A: b\r\n${host}`).replace('X-Case: 0\r\n', '')),
    refused('a folded header', get(`${host}X-A: b\r\n c\r\n`)),
    refused('a folded header, by a tab', get(`${host}X-A: b\r\n\tc\r\n`)),
    refused('a header without a colon', get(`${host}X-A\r\n`)),
    refused('a header without a name', get(`${host}: b\r\n`)),
    refused('a NUL in a value', get(`${host}X-A: b\0c\r\n`)),
    refused('a DEL in a value', get(`${host}X-A: b\x7fc\r\n`)),
    refused('a control character in a value', get(`${host}X-A: b\x01c\r\n`)),
    refused('a bare CR in a value', get(`${host}X-A: b\rX-B: c\r\n`)),
    refused('a bare LF in a value', get(`${host}X-A: b\nX-B: c\r\n`)),
    refused('a bare LF before the empty line', `GET /outer HTTP/1.1\r\nHost: a\n\r\n`),
    refused('latin1 in a name', get(`${host}X-\xe9: b\r\n`)),
    refused('a bracket in a name', get(`${host}X(a): b\r\n`)),
    refusedAs([431])('a head that is too large', get(`${host}X-A: ${'a'.repeat(20_000)}\r\n`)),
    refusedAs([400, 431])(
      'more headers than are read',
      get(`${host}${'X-A: b\r\n'.repeat(1_800)}Transfer-Encoding: chunked\r\n`),
    ),
    refused('no Host', get('')),
    refused('two Hosts', get(`${host}Host: b\r\n`)),
    refused('two equal Hosts', get(`${host}${host}`)),
    refused('a Host with a path', get('Host: a/b\r\n')),
    refused('a Host with a user', get('Host: a@b\r\n')),
    refused('a Host with a blank', get('Host: a b\r\n')),
    refused('a Host with two ports', get('Host: a:80:90\r\n')),
    refused('a Host that is a list', get('Host: a, b\r\n').replace(', ', ',/')),
    { ...seen('X_Forwarded_For', get(`${host}X_Forwarded_For: 6.6.6.6\r\n`), 'GET /outer '), without: /6\.6\.6\.6/ },
    { ...seen('X-Forwarded_For', get(`${host}X-Forwarded_For: 6.6.6.6\r\n`), 'GET /outer '), without: /6\.6\.6\.6/ },
    {
      ...seen('X-Forwarded-For of somebody', get(`${host}X-Forwarded-For: 6.6.6.6\r\n`), 'GET /outer '),
      without: /6\.6\.6\.6/,
    },
    {
      ...seen('Forwarded of somebody', get(`${host}Forwarded: for=6.6.6.6\r\n`), 'GET /outer '),
      without: /6\.6\.6\.6/,
    },
    { ...seen('X_Forwarded_Host', get(`${host}X_Forwarded_Host: evil.example\r\n`), 'GET /outer '), without: /evil/ },
    {
      ...seen('Connection names X-Forwarded-For', get(`${host}Connection: X-Forwarded-For, close\r\n`), 'GET /outer '),
      without: /^Connection: X/im,
    },
  ]
}

function targetShapes(): Shape[] {
  const asked = (target: string, method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: a\r\nX-Case: 0\r\n\r\n`
  return [
    ...['ftp://a/b', 'file:///etc/passwd', 'javascript:x', 'ws://a/b', 'http:/a', 'http:a', 'http://', 'http:///b'].map(
      (target) => refused(`absolute-form ${target}`, asked(target)),
    ),
    refused('absolute-form with a user', asked('http://user:pass@b/c')),
    refused('absolute-form with a backslash', asked('http://a\\@b/c')),
    refused('authority-form', asked('b.example:80')),
    refusedAs([400, 405, 501], true)('CONNECT', 'CONNECT b.example:80 HTTP/1.1\r\nHost: b.example:80\r\n\r\n'),
    refused('no slash before the path', asked('outer')),
    refused('* with GET', asked('*')),
    refused('a target that is empty', 'GET  HTTP/1.1\r\nHost: a\r\n\r\n'),
    refused('@ as a target', asked('@b.example/')),
    seen('absolute-form of another host', asked('http://b.example:9/c?d'), 'GET /c?d '),
    seen('two slashes and a host', asked('//b.example/c'), 'GET //b.example/c '),
    seen('a slash and a URL', asked('/http://b.example/c'), 'GET /http://b.example/c '),
    seen('a slash, an @ and a host', asked('/@b.example'), 'GET /@b.example '),
  ]
}
