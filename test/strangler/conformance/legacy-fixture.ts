import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type ByteReader, byteReader } from './byte-reader.ts'
import {
  type Body,
  chunked,
  type Framing,
  framingOf,
  type Header,
  headFrom,
  readBody,
  tokensOf,
  valuesOf,
} from './message.ts'
import { writeInPieces } from './pieces.ts'
import { acceptOf, echoFrames } from './websocket.ts'

/** What the legacy application answers, byte by byte. */
export type Answer = {
  /** `HTTP/1.1 200 OK`. */
  statusLine: string
  headers: Header[]
  body: Buffer
  /** `none`: says nothing of a length, and has no body. */
  framing: Framing
  chunkSizes?: number[]
  chunkExtension?: string
  trailers?: string[]
  /** Whole heads of 1xx that are sent before it. */
  interim?: string[]
  /** To `Expect: 100-continue`. `ignore`: nothing, and waits for the body. */
  onExpect?: 'continue' | 'refuse' | 'ignore'
  /** Answers without waiting for the request's body, of which nothing is noted. */
  isEarly?: boolean
  /** It goes in pieces of this size, each by itself. */
  pieceBytes?: number
  /** After half of the body nothing more is sent until `release`. */
  isHeld?: boolean
  /** Ends the connection afterwards, though it could be kept. */
  isLast?: boolean
  /** After it, whatever comes is sent back, and the greeting first. A WebSocket's frames come back unmasked. */
  upgrade?: { greeting: Buffer; sendsBack: 'bytes' | 'frames' }
  /** In place of all this: bytes that need not be HTTP. */
  raw?: { text: string; isLast: boolean }
}

/** A request as the legacy application got it. */
export type Received = {
  /** By which the case is known that it belongs to. */
  caseId: string
  method: string
  target: string
  version: string
  headers: Header[]
  framing: Framing
  body: Body
}

const MAX_REQUEST_BYTES = 64 * 1_048_576
/** Nobody holds an answer back for so long. */
const HOLD_LIMIT_MS = 4_000

/** A legacy application on 127.0.0.1 that notes what it gets, and answers as the case says. */
export async function startLegacyFixture(answerOf: (caseId: string) => Answer) {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const releases = new Map<string, () => void>()
  let connections = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    void serve(socket, { received, answerOf, releases }).finally(() => socket.end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** What has come since it was asked the last time, by case. */
    taken(): Map<string, Received[]> {
      return Map.groupBy(received.splice(0), ({ caseId }) => caseId)
    },
    connections: () => connections,
    /** Lets the case's answer go on that is held. */
    release: (caseId: string) => releases.get(caseId)?.(),
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

type Desk = {
  received: Received[]
  answerOf(caseId: string): Answer
  releases: Map<string, () => void>
}

async function serve(socket: Socket, desk: Desk): Promise<void> {
  const reader = byteReader(socket, MAX_REQUEST_BYTES)
  for (;;) {
    const bytes = await reader.head()
    if (bytes === null) return
    const { startLine, headers } = headFrom(bytes)
    const [, method = '', target = '', version = ''] = /^(\S+) (.*) HTTP\/(1\.[01])$/s.exec(startLine) ?? []
    const caseId = valuesOf(headers, 'x-case')[0] ?? ''
    const answer = desk.answerOf(caseId)
    const request = { caseId, method, target, version, headers, framing: framingOf(headers, 'request') }
    const isOffered = valuesOf(headers, 'upgrade').length > 0
    const isExpecting = tokensOf(headers, 'expect').includes('100-continue')
    const isRefused = answer.isEarly || (isExpecting && answer.onExpect === 'refuse')
    if (isExpecting && answer.onExpect === 'continue') socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    const body = isRefused ? NOT_READ : await readBody(reader, headers, request.framing)
    desk.received.push({ ...request, body })
    if (answer.raw !== undefined) {
      socket.write(answer.raw.text, 'latin1')
      if (answer.raw.isLast) return
      continue
    }
    if (answer.upgrade !== undefined && isOffered)
      return echo(socket, reader, answer, valuesOf(headers, 'sec-websocket-key')[0])
    const isLast = isRefused || endsConnection(request, answer)
    await write(socket, request, isOffered ? answer : notUpgraded(answer), isLast, desk.releases)
    if (!isLast) continue
    socket.end()
    // Reads on what is still coming: a connection that is closed over unread bytes is reset, and the answer lost.
    await reader.rest()
    return
  }
}

/** Nobody has offered another protocol: it is answered as if there were none. */
function notUpgraded(answer: Answer): Answer {
  return answer.upgrade === undefined ? answer : { ...answer, statusLine: 'HTTP/1.1 200 OK', framing: 'length' }
}

const NOT_READ: Body = { bytes: 0, sha256: 'not read', start: '', isWhole: true, trailers: [] }

function endsConnection({ version, headers }: Pick<Received, 'version' | 'headers'>, answer: Answer): boolean {
  const connection = tokensOf(headers, 'connection')
  const isKept = version === '1.1' ? !connection.includes('close') : connection.includes('keep-alive')
  return !isKept || answer.isLast === true || answer.framing === 'close' || answer.statusLine.startsWith('HTTP/1.0')
}

async function write(
  socket: Socket,
  request: Pick<Received, 'caseId' | 'method' | 'version'>,
  answer: Answer,
  isLast: boolean,
  releases: Map<string, () => void>,
): Promise<void> {
  const { statusLine, body, interim = [] } = answer
  // A client of HTTP/1.0 knows no chunks and no answers of 1xx.
  const isOld = request.version === '1.0'
  const isChunked = answer.framing === 'chunked' && !isOld
  const headers: Header[] = [...answer.headers]
  if (answer.framing === 'length') headers.push(['Content-Length', String(body.length)])
  if (isChunked) headers.push(['Transfer-Encoding', 'chunked'])
  if (isLast || (answer.framing === 'chunked' && isOld)) headers.push(['Connection', 'close'])
  else if (isOld) headers.push(['Connection', 'keep-alive'])
  const head = `${statusLine}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  for (const one of isOld ? [] : interim) socket.write(one, 'latin1')
  const hasBody = answer.framing !== 'none' && request.method !== 'HEAD' && !/^HTTP\/1\.\d (204|304)/.test(statusLine)
  const wire = !hasBody
    ? Buffer.alloc(0)
    : isChunked
      ? chunked(body, answer.chunkSizes ?? [body.length], answer.chunkExtension, answer.trailers)
      : body
  if (answer.pieceBytes === undefined && !answer.isHeld) {
    socket.write(Buffer.concat([Buffer.from(head, 'latin1'), wire]))
    return
  }
  const whole = Buffer.concat([Buffer.from(head, 'latin1'), wire])
  const first = answer.pieceBytes ?? head.length + Math.ceil(wire.length / 2)
  socket.write(whole.subarray(0, first))
  if (answer.isHeld) await released(request.caseId, releases)
  await writeInPieces(socket, whole.subarray(first), first)
}

async function released(caseId: string, releases: Map<string, () => void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, HOLD_LIMIT_MS)
    releases.set(caseId, () => {
      clearTimeout(timer)
      resolve()
    })
  })
  releases.delete(caseId)
}

async function echo(socket: Socket, reader: ByteReader, answer: Answer, key: string | undefined): Promise<void> {
  const accept: Header[] = key === undefined ? [] : [['Sec-WebSocket-Accept', acceptOf(key)]]
  const lines = [...answer.headers, ...accept].map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${answer.statusLine}\r\n${lines.join('')}\r\n`, 'latin1')
  socket.write(Buffer.concat([head, answer.upgrade?.greeting ?? Buffer.alloc(0)]))
  if (answer.upgrade?.sendsBack === 'frames') return echoFrames(socket, reader)
  for (;;) {
    const bytes = await reader.some()
    if (bytes.length === 0) return
    socket.write(bytes)
  }
}
