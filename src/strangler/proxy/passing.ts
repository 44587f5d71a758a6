import type { IncomingMessage, ServerResponse } from 'node:http'
import { NeighbourError } from '../../ports/neighbours.ts'
import type { LegacyCopy } from '../../ports/strangler.ts'
import { answerHead, isEventStream } from './answer-head.ts'
import { answering } from './answering.ts'
import { type Exchange, exchange } from './exchange.ts'
import { whenGone } from './gone.ts'
import { interimAnswers } from './interim.ts'
import type { Passed, Passing } from './legacy-application.ts'
import { type Parts, reasonOf } from './parts.ts'
import { peerOf } from './peer.ts'
import { type Client, refusalOf, refuse } from './refusals.ts'
import { type Asked, type RequestHead, requestHead } from './request-head.ts'
import { isShut, shutAfterThis } from './shut.ts'

/** Plain requests, event streams among them: see LegacyApplication.pass. */
export function passing(parts: Parts) {
  const { upstream, forward, withheld, tracing, guard, underWay } = parts
  return async (request: IncomingMessage, response: ServerResponse, how: Passing): Promise<Passed> => {
    const startedMs = performance.now()
    const client: Client = { request, response, requestId: how.requestId, isLast: how.isLast ?? (() => false) }
    if (isShut(request.socket)) return { outcome: 'refused', headMs: 0 }
    // A client that goes away while it is answered is no error of ours.
    response.on('error', () => undefined)
    let head: RequestHead
    try {
      head = requestHead(askedOf(request), { ...upstream, requestId: how.requestId, forward, withheld, tracing })
    } catch (error) {
      shutAfterThis(request.socket)
      // Node's parser finds fault with some requests just after it has handed them on, and then closes the connection.
      await new Promise((resolve) => setImmediate(resolve))
      refuse({ ...client, isLast: () => true }, refusalOf(error), false)
      return { outcome: 'refused', headMs: 0 }
    }
    const gone = new AbortController()
    const passage = passageOf(parts, client, head, how.copyUpToBytes)
    const leave = () => {
      gone.abort()
      passage.end()
    }
    const stay = whenGone(request.socket, leave)
    underWay.add(leave)
    let headMs: number | null = null
    const untilHead = () => (headMs ??= performance.now() - startedMs)
    try {
      await guard.run(gone.signal, {
        head: () => passage.head().finally(untilHead),
        isSent: passage.isSent,
        rest: passage.rest,
      })
      const { status, copy } = await passage.over()
      return { outcome: 'answered', status, headMs: untilHead(), copy }
    } catch (error) {
      passage.end()
      if (gone.signal.aborted) response.destroy()
      else refuse(client, refusalOf(error), passage.isWaiting())
      return { outcome: gone.signal.aborted ? 'cancelled' : reasonOf(error), headMs: untilHead() }
    } finally {
      stay()
      underWay.delete(leave)
    }
  }
}

export function askedOf(request: IncomingMessage): Asked {
  const { method = '', url = '', httpVersion, rawHeaders } = request
  return { method, target: url, httpVersion, rawHeaders, peer: peerOf(request) }
}

/** One request and its answer, in the steps of the guard. */
function passageOf({ upstream, times, streams }: Parts, client: Client, head: RequestHead, copyUpToBytes: number) {
  const { request, response, requestId } = client
  let current: Exchange | null = null
  const interim = interimAnswers(request, response, head.mayContinue)
  let over: Promise<{ status: number; copy: LegacyCopy | null }> | null = null
  const end = () => current?.cancel()
  const isSent = () => current?.isSent() ?? false

  const headOf = (answer: IncomingMessage) => {
    const isLast = client.isLast() || !isSent()
    return { isLast, headers: answerHead(answer, { requestId, httpVersion: request.httpVersion, isLast }) }
  }
  const transfer = (answer: IncomingMessage, { isLast, headers }: ReturnType<typeof headOf>, silenceMs: number) => {
    if (isLast) shutAfterThis(request.socket)
    const passed = answering({
      ...{ client, exchange: current as Exchange, answer, headers, silenceMs, copyUpToBytes },
      isWaiting: interim.isWaiting,
    })
    over = passed.then((copy) => ({ status: answer.statusCode ?? 0, copy }))
    return over.then(() => undefined)
  }

  return {
    end,
    isWaiting: interim.isWaiting,
    isSent,
    head(): Promise<IncomingMessage> {
      current = exchange({
        ...{ upstream, times, head, body: head.hasBody ? request : null, upgraded: null },
        interim: request.httpVersion === '1.1' ? interim : null,
      })
      if (head.hasBody) request.once('data', interim.hasGoneOn)
      return current.answer()
    },
    /** Resolves when the place may go to the next: at once for an event stream, which has one of its own. */
    async rest(answer: IncomingMessage): Promise<void> {
      // First of all: nothing is held yet when it turns out to be none.
      const its = headOf(answer)
      if (!isEventStream(answer)) return transfer(answer, its, times.silenceMs)
      const giveBack = streams.take(end)
      if (giveBack === null) {
        end()
        throw new NeighbourError('legacy', 'overloaded')
      }
      // Whoever waits for `over` hears of its failure.
      transfer(answer, its, times.streamSilenceMs)
        .finally(giveBack)
        .catch(() => undefined)
    },
    async over() {
      if (over === null) throw new NeighbourError('legacy', 'unreachable')
      return over
    },
  }
}
