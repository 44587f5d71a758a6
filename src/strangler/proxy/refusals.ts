import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import { PROBLEM_JSON, type Problem, Refusal } from '../../wire/problem.ts'
import { ClientSilent } from './attempt.ts'
import { endGently } from './end-gently.ts'
import { shutAfterThis } from './shut.ts'

/** Who is answered. `isLast`: whether the connection is closed afterwards. */
export type Client = { request: IncomingMessage; response: ServerResponse; requestId: string; isLast: () => boolean }

const UNREACHABLE = new Refusal(502, 'legacy-unreachable', 'The legacy application cannot be reached at present.')
const NOT_ASKED = new Refusal(503, 'legacy-not-asked', 'The legacy application is ill, and not asked at present.')
const BUSY = new Refusal(503, 'legacy-busy', 'The legacy application has more requests in hand than it can take.')

const REFUSALS = {
  timeout: new Refusal(504, 'legacy-timeout', 'The legacy application has not answered in time.'),
  unreachable: UNREACHABLE,
  'wrong-answer': new Refusal(502, 'legacy-wrong-answer', 'The legacy application has not answered in HTTP.'),
  'circuit-open': NOT_ASKED,
  overloaded: BUSY,
  // A proxy meets these nowhere, or nobody is there to be told.
  ...{ unavailable: UNREACHABLE, refused: UNREACHABLE, cancelled: UNREACHABLE, 'not-configured': NOT_ASKED },
} as const satisfies Record<NoAnswer, Refusal>
const CLIENT_SILENT = new Refusal(408, 'request-timeout', 'The request did not arrive in time.')
const RETRY_AFTER_SECONDS = '1'

/** What is answered when the legacy application has not. Whoever guards its calls may wrap an error. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof ClientSilent || (error as Error).cause instanceof ClientSilent) return CLIENT_SILENT
  return REFUSALS[error instanceof NeighbourError ? error.reason : 'unreachable']
}

/** The head and the body of a problem document. `isLast`: the connection is closed afterwards. */
export function problem({ status, code, message: detail }: Refusal, requestId: string, isLast: boolean) {
  const title = STATUS_CODES[status] ?? 'Error'
  const document: Problem = { type: `urn:users-service:problem:${code}`, title, status, code, detail, requestId }
  const body = JSON.stringify(document)
  const headers = [
    ...['Content-Type', `${PROBLEM_JSON}; charset=utf-8`, 'Content-Length', String(Buffer.byteLength(body))],
    ...['X-Request-Id', requestId],
    ...(status === 503 ? ['Retry-After', RETRY_AFTER_SECONDS] : []),
    ...(isLast ? ['Connection', 'close'] : []),
  ]
  return { status, title, headers, body }
}

/** Answers in place of the legacy application. `isWaiting`: as of endGently. */
export function refuse(client: Client, refusal: Refusal, isWaiting: boolean): void {
  const { request, response, requestId } = client
  // Node may have refused it as well by now: once is enough.
  if (!request.socket.writable) return
  if (response.headersSent) return void response.destroy()
  // What is left of a body stands before the next request.
  const isLast = client.isLast() || !request.complete
  if (isLast) shutAfterThis(request.socket)
  const { status, title, headers, body } = problem(refusal, requestId, isLast)
  response.writeHead(status, title, headers)
  if (request.method !== 'HEAD') response.write(body)
  endGently(request, response, isWaiting)
}
