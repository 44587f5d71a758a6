import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_JSON, type Problem } from '../wire/problem.ts'
import { requestIdOf } from './request-id.ts'
import { NO_HTTP, OF_NODE, type ServerRefusal, UNKNOWN_EXPECTATION, UNKNOWN_METHOD } from './server-refusals.ts'

/** `rawPacket`: the bytes, as a Buffer, whatever the types of a framework say. */
type ClientError = Error & { code?: string; rawPacket?: unknown }

/** What Node's parser refuses never becomes a request: the answer is written by hand, and the connection closed. */
export function answerClientError(error: ClientError, socket: Socket): void {
  const isOver = error.code === 'ECONNRESET' || !socket.writable
  if (isOver || isInTheMidst(socket)) return void socket.destroy()
  const { head, body } = written(refusalFor(error), randomUUID())
  const lines = Object.entries(head.headers).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${head.status} ${head.title}\r\n${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

/** Whether an answer has been begun on it: ours would be taken for the rest of that. Node keeps it where no type tells. */
function isInTheMidst(socket: Socket): boolean {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
}

/** Of what is a request, and is refused before there is anything that would answer it. Its body, if any, is not awaited. */
export function refuseRequest(request: IncomingMessage, response: ServerResponse, refusal: ServerRefusal): void {
  const { head, body } = written(refusal, requestIdOf(request))
  response.writeHead(head.status, head.headers).end(request.method === 'HEAD' ? undefined : body)
}

/** RFC 9112 section 3: a method is a token. What begins as a request does may be one, of a method that Node lacks. */
const REQUEST_LINE = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64} \S+ HTTP\/1\.[01]\r?\n/
/** Longer ones are no less strange. */
const MAX_LINE_BYTES = 1_024

function refusalFor({ code = '', rawPacket }: ClientError): ServerRefusal {
  const line = Buffer.isBuffer(rawPacket) ? rawPacket.subarray(0, MAX_LINE_BYTES).toString('latin1') : ''
  if (code === 'HPE_INVALID_METHOD' && REQUEST_LINE.test(line)) return UNKNOWN_METHOD
  return OF_NODE[code] ?? NO_HTTP
}

/** `bodyLimitBytes` as Fastify has it, which then refuses. `isOthers`: whether somebody else says whether to go on. */
type Expected = { bodyLimitBytes: number; isOthers(request: IncomingMessage): boolean }

/**
 * Expectations (RFC 9110 section 10.1.1): one that is not known is refused, with a body unlike Node's own answer; and
 * nobody is told to go on sending a body that is too large.
 */
export function answerExpectations(server: Server, { bodyLimitBytes, isOthers }: Expected): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    refuseRequest(request, response, UNKNOWN_EXPECTATION)
  })
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    const isTooLarge = Number(request.headers['content-length']) > bodyLimitBytes
    if (!isTooLarge && !isOthers(request)) response.writeContinue()
    server.emit('request', request, response)
  })
}

function written({ status, code, detail }: ServerRefusal, requestId: string) {
  const title = STATUS_CODES[status] ?? 'Error'
  const problem: Problem = { type: `urn:users-service:problem:${code}`, title, status, code, detail, requestId }
  const body = JSON.stringify(problem)
  const headers = {
    'content-type': `${PROBLEM_JSON}; charset=utf-8`,
    'content-length': String(Buffer.byteLength(body)),
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    connection: 'close',
  }
  return { head: { status, title, headers }, body }
}
