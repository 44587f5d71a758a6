/**
 * What a legacy application that is ill, or was fooled, may say. `refused`: the client gets 502 in its place. `cut`: it
 * gets what came, and its connection ends, so that nobody takes it for whole. `passed`: it gets this body, and nothing of
 * what came behind it.
 */
export type WrongAnswer = {
  name: string
  text: string
  method?: string
  /** It was asked for a WebSocket. */
  isUpgrade?: boolean
  /** The connection is kept: whatever comes behind the answer lies in wait for the next request. */
  isKept?: boolean
  leadsTo: readonly ('refused' | 'cut' | { passed: string; status?: number })[]
}

/** Whoever is given this was given somebody else's answer. */
export const POISON = 'poison'
const BEHIND = `HTTP/1.1 200 OK\r\nContent-Length: ${POISON.length}\r\n\r\n${POISON}`
const OK = 'HTTP/1.1 200 OK\r\n'

const refused = (name: string, text: string): WrongAnswer => ({ name, text, leadsTo: ['refused'] })
const cut = (name: string, text: string): WrongAnswer => ({ name, text, leadsTo: ['cut'] })
const poisoned = (name: string, text: string, body: string, status = 200): WrongAnswer => ({
  ...{ name, text: text + BEHIND, isKept: true, leadsTo: [{ passed: body, status }, 'cut', 'refused'] },
})
const headed = (name: string, headers: string, body = 'abc') => refused(name, `${OK}${headers}\r\n${body}`)
/** Answers that are begun in another way than most: event streams, and those to a request for a WebSocket. */
const inEachWay = (name: string, line: string, headers = '', body = 'abc'): WrongAnswer[] => {
  const text = (more = '') => `${line}\r\n${more}${headers}\r\n${body}`
  return [
    refused(name, text('Content-Length: 3\r\n')),
    refused(`${name}, of an event stream`, text('Content-Type: text/event-stream\r\n')),
    { ...refused(`${name}, in place of a WebSocket`, text('Content-Length: 3\r\n')), isUpgrade: true },
  ]
}
const READABLE: WrongAnswer['leadsTo'] = ['refused', 'cut', { passed: 'abc' }]

export const WRONG_ANSWERS: WrongAnswer[] = [
  poisoned('another answer behind it', `${OK}Content-Length: 3\r\n\r\nabc`, 'abc'),
  poisoned('another answer behind chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`, 'abc'),
  poisoned('another answer behind 204', 'HTTP/1.1 204 No Content\r\n\r\n', '', 204),
  poisoned('another answer behind 304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n', '', 304),
  poisoned('204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc', '', 204),
  poisoned(
    '304 with chunks',
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    '',
    304,
  ),
  poisoned('a length of 0 and a body', `${OK}Content-Length: 0\r\n\r\nabc`, ''),
  { ...poisoned('HEAD with a body', `${OK}Content-Length: ${BEHIND.length}\r\n\r\n`, ''), method: 'HEAD' },
  { ...poisoned('HEAD with chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, ''), method: 'HEAD' },

  {
    name: 'length and chunks',
    text: `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    leadsTo: ['refused'],
  },
  headed('two lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n'),
  headed('two equal lengths', 'Content-Length: 3\r\nContent-Length: 3\r\n'),
  ...['+3', '-3', '3, 3', 'three', '', '0x3', '99999999999999999999'].map((length) =>
    headed(`length ${JSON.stringify(length)}`, `Content-Length: ${length}\r\n`),
  ),
  ...['xchunked', 'gzip', 'identity', 'gzip, chunked', 'chunked, identity'].map(
    (coding): WrongAnswer => ({
      name: `coding ${coding}`,
      text: `${OK}Transfer-Encoding: ${coding}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      leadsTo: ['refused', 'cut'],
    }),
  ),

  ...[
    ['a blank before the colon', 'X-A : b\r\n'],
    ['no colon', 'X-A\r\n'],
    ['no name', ': b\r\n'],
    ['a NUL', 'X-A: b\0c\r\n'],
    ['a control character', 'X-A: b\x01c\r\n'],
    ['a bare CR', 'X-A: b\rX-B: c\r\n'],
    ['a bare LF', 'X-A: b\nX-B: c\r\n'],
    ['a folded line', 'X-A: b\r\n c\r\n'],
  ].map(([name = '', line = '']) => headed(`a header with ${name}`, `Content-Length: 3\r\n${line}`)),
  headed('a head of 300 KB', `Content-Length: 3\r\n${`X-A: ${'b'.repeat(1_000)}\r\n`.repeat(300)}`),
  { name: '3,000 headers', text: `${OK}Content-Length: 3\r\n${'X-A: b\r\n'.repeat(3_000)}\r\nabc`, leadsTo: READABLE },

  ...[
    'hello',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 abc',
    'HTTP/2 200 OK',
    'HTTP/1.1 1000 X',
    'ICY 200 OK',
    'HTTP/1.1  200 OK',
  ].map((line) => refused(line, `${line}\r\nContent-Length: 3\r\n\r\nabc`)),
  ...inEachWay('a control character in the reason', 'HTTP/1.1 403 F\x01o'),
  ...inEachWay('a status below 100', 'HTTP/1.1 099 X'),
  ...['of an event stream', 'in place of a WebSocket'].map(
    (where, i): WrongAnswer => ({
      ...refused(
        `coding gzip, chunked, ${where}`,
        `${OK}Content-Type: text/event-stream\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      ),
      isUpgrade: i === 1,
    }),
  ),
  {
    ...refused(
      'a control character in the reason of a WebSocket',
      'HTTP/1.1 101 O\x01K\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    ),
    isUpgrade: true,
  },
  refused('nothing', ''),
  refused('a TLS alert', '\x15\x03\x01\x00\x02\x02\x28'),
  refused('a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('the beginning of a head', `${OK}Content-Le`),
  refused('LFs only', 'HTTP/1.1 200 OK\nContent-Length: 3\n\nabc'),
  refused('101 unasked', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nabc'),
  refused('101 unasked, to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\nabc'),
  refused('100 and nothing more', 'HTTP/1.1 100 Continue\r\n\r\n'),
  refused('a thousand times 103', 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'.repeat(1_000)),

  cut('less than its length', `${OK}Content-Length: 10\r\n\r\nabc`),
  cut('no last chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
  cut('half a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\nff\r\nabc`),
  cut('no chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n`),
  cut('no line behind the last chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n`),
  ...['g', '-3', '0x3', '3 ', 'fffffffffffffffff'].map(
    (size): WrongAnswer => ({
      name: `a chunk of size ${JSON.stringify(size)}`,
      text: `${OK}Transfer-Encoding: chunked\r\n\r\n${size}\r\nabc\r\n0\r\n\r\n`,
      leadsTo: ['cut', 'refused'],
    }),
  ),
]
