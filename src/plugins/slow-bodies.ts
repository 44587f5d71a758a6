import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { answerClientError } from './client-errors.ts'

/** As Node's own, when a request is overdue. */
const OVERDUE = Object.assign(new Error('the body did not arrive in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })

/**
 * Bodies that are read here have to arrive within `limitMs`, where the server as a whole allows more because of what is
 * passed on. From when it is known that a body is ours to read.
 */
export function refuseSlowBodies(app: FastifyInstance, limitMs: number): void {
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    unlessWhole(request.raw, limitMs, () => answerClientError(OVERDUE, request.raw.socket))
    done()
  })
  // Whoever was refused before their body was read may send the rest of it, so that they find the answer; not for ever.
  app.addHook('onSend', (request, _reply, _payload, done) => {
    unlessWhole(request.raw, limitMs, () => request.raw.destroy())
    done()
  })
}

function unlessWhole(raw: IncomingMessage, limitMs: number, end: () => void): void {
  if (raw.complete || !hasBody(raw.headers)) return
  const timer = setTimeout(end, limitMs).unref()
  const stop = () => {
    clearTimeout(timer)
    raw.socket.off('close', stop)
  }
  raw.once('end', stop)
  // Of a request that nobody reads this comes with its answer, and the connection goes on.
  raw.socket.once('close', stop)
}

function hasBody({ 'content-length': length, 'transfer-encoding': coding }: NodeJS.Dict<string | string[]>): boolean {
  return coding !== undefined || (length !== undefined && length !== '0')
}
