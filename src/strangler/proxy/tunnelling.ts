import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { NeighbourError } from '../../ports/neighbours.ts'
import { Refusal } from '../../wire/problem.ts'
import { answerHead } from './answer-head.ts'
import { answering } from './answering.ts'
import { type Exchange, exchange } from './exchange.ts'
import { whenGone } from './gone.ts'
import { join } from './join.ts'
import type { Parts } from './parts.ts'
import { askedOf } from './passing.ts'
import { type RawHeaders, valuesOf } from './raw-headers.ts'
import { refusalOf, refuse } from './refusals.ts'
import { requestHead } from './request-head.ts'
import { requestIdOf } from './request-id.ts'

const NOTHING = Buffer.alloc(0)
/** Whatever it is answered, but for 101. */
const isLast = () => true
const WITH_BODY = new Refusal(400, 'invalid-request', 'A request for an upgrade has no body here.')

/** Connections that speak something else after their first request, WebSockets say: see LegacyApplication.tunnel. */
export function tunnelling(parts: Parts) {
  return (request: IncomingMessage, client: Duplex, first: Buffer): void => {
    client.on('error', () => undefined)
    tunnel(parts, request, client as Socket, first).catch(() => void client.destroy())
  }
}

/** Settles when the tunnel is open, or will not be. */
async function tunnel(parts: Parts, request: IncomingMessage, client: Socket, first: Buffer): Promise<void> {
  const { upstream, times, streams, guard } = parts
  const requestId = requestIdOf(request.rawHeaders)
  const gone = new AbortController()
  // Members, since what closures give a variable is lost on whoever reads it afterwards.
  const held: { exchange: Exchange | null; legacy: Duplex | null; first: Buffer } = {
    ...{ exchange: null, legacy: null, first: NOTHING },
  }
  const end = () => {
    gone.abort()
    held.exchange?.cancel()
    held.legacy?.destroy()
    client.destroy()
  }
  const giveBack = streams.take(end)
  const leave = () => {
    gone.abort()
    if (held.legacy === null) held.exchange?.cancel()
    giveBack?.()
  }
  whenGone(client, leave)
  const stopWatching = watchForEnd(client, leave)
  try {
    if (giveBack === null) throw new NeighbourError('legacy', 'overloaded')
    const head = headOf(parts, request, requestId)
    const upgraded = (connection: Duplex, first: Buffer) => Object.assign(held, { legacy: connection, first })
    const one = exchange({ upstream, times, head, body: null, upgraded, interim: null })
    held.exchange = one
    await guard.run(gone.signal, {
      head: one.answer,
      isSent: one.isSent,
      rest: async (answer) => opened(one, answer),
    })
  } catch (error) {
    stopWatching()
    held.exchange?.cancel()
    held.legacy?.destroy()
    if (gone.signal.aborted) end()
    else refuse({ request, response: responseOn(request, client), requestId, isLast }, refusalOf(error), true)
  }

  /** The place goes to the next: this has one of its own. */
  function opened(exchange: Exchange, answer: IncomingMessage): void {
    const { legacy, first: early } = held
    stopWatching()
    const headers = answerHead(answer, {
      requestId,
      httpVersion: '1.1',
      isLast: legacy === null,
      isSwitched: legacy !== null,
    })
    if (legacy === null) {
      const response = responseOn(request, client)
      const options = { exchange, answer, headers, silenceMs: times.silenceMs, copyUpToBytes: 0 }
      const answered = answering({
        ...options,
        client: { request, response, requestId, isLast },
        isWaiting: () => true,
      })
      answered.catch(end)
      return
    }
    headers.push('Connection', 'Upgrade', 'Upgrade', valuesOf(answer.rawHeaders, 'upgrade'))
    client.write(textOf(answer, headers), 'latin1')
    join({ client, legacy, clock: exchange.clock, silenceMs: times.streamSilenceMs, first, answered: early })
  }
}

function headOf({ upstream, forward, withheld, tracing }: Parts, request: IncomingMessage, requestId: string) {
  const head = requestHead(askedOf(request), { ...upstream, requestId, forward, withheld, tracing })
  if (head.hasBody) throw WITH_BODY
  head.headers.push('Connection', 'Upgrade', 'Upgrade', valuesOf(request.rawHeaders, 'upgrade'))
  return head
}

function textOf({ statusCode, statusMessage }: IncomingMessage, headers: RawHeaders): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`
  return `${text}\r\n`
}

/** A connection that nobody reads does not tell that it has ended. What comes is kept. */
function watchForEnd(client: Duplex, ended: () => void): () => void {
  const onReadable = () => {
    if (client.readableLength === 0) client.read()
  }
  client.on('readable', onReadable).on('end', ended)
  return () => void client.off('readable', onReadable).off('end', ended)
}

/** Node has let go of the connection: an answer of HTTP needs one that knows how to write it. It is the last. */
function responseOn(request: IncomingMessage, client: Socket): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(client)
  client.on('drain', () => response.emit('drain'))
  response.on('finish', () => client.end(() => client.destroy()))
  client.resume()
  return response
}
