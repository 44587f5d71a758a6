import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { PROBLEM_JSON, type Problem } from '../wire/problem.ts'

type Refusal = { status: number; code: string; detail: string }

/** Of https://nodejs.org/api/errors.html and llhttp's; anything else is bytes that are no HTTP. */
const REFUSALS: Record<string, Refusal> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request-timeout', detail: 'The request did not arrive in time.' },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers-too-large', detail: 'The path and headers are too large.' },
}
const NO_HTTP: Refusal = { status: 400, code: 'invalid-request', detail: 'This is not HTTP/1.1.' }

/** What Node's parser refuses never becomes a request: the answer is written by hand, and the connection closed. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { status, code, detail } = REFUSALS[error.code ?? ''] ?? NO_HTTP
  const requestId = randomUUID()
  const title = STATUS_CODES[status] ?? 'Error'
  const problem: Problem = { type: `urn:users-service:problem:${code}`, title, status, code, detail, requestId }
  const body = JSON.stringify(problem)
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_JSON}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
