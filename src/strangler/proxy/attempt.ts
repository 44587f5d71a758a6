import type { ClientRequest, IncomingMessage, InformationEvent } from 'node:http'
import type { Duplex } from 'node:stream'
import { NeighbourError, type NoAnswer } from '../../ports/neighbours.ts'
import { hearLastWords } from './last-words.ts'
import type { LegacyTimes } from './limits.ts'
import { type Pump, pump } from './pump.ts'
import type { RequestHead } from './request-head.ts'
import type { Upstream } from './upstream.ts'
import type { Watch } from './watch.ts'

export type Question = {
  upstream: Upstream
  times: LegacyTimes
  head: RequestHead
  /** Whose body is sent; null: there is none. */
  body: IncomingMessage | null
  /** Given the connection when the legacy application agrees to speak something else over it (101); null: it must not. */
  upgraded: ((connection: Duplex, first: Buffer) => void) | null
  interim: { continue(): void; information(event: InformationEvent): void } | null
}
export type Attempt = {
  /** Rejects with NeighbourError. */
  answer: Promise<IncomingMessage>
  outgoing: ClientRequest
  upload: Pump | null
  /** Whether all of the request has been sent. */
  isSent(): boolean
}

/** Not the legacy application kept us waiting: the client did. */
export class ClientSilent extends NeighbourError {
  constructor() {
    super('legacy', 'cancelled')
  }
}
/** `isUnread`: it was sent over a connection that had been used before, and not a byte of an answer came. */
export class Broken extends NeighbourError {
  readonly isUnread: boolean

  constructor(cause: NodeJS.ErrnoException, isUnread: boolean) {
    // Node's parser names what is no HTTP.
    super('legacy', cause.code?.startsWith('HPE_') ? 'wrong-answer' : 'unreachable', { cause })
    this.isUnread = isUnread
  }
}

/** Sends a request once. `isKept`: as of Upstream.open. */
export function attempt({ upstream, times, head, body, upgraded, interim }: Question, clock: Watch, isKept: boolean) {
  const outgoing = upstream.open(head, isKept)
  const answer = Promise.withResolvers<IncomingMessage>()
  const state = { bytesBefore: 0, isSent: false, isAnswered: false }
  const attempt: Attempt = { ...{ answer: answer.promise, outgoing, upload: null }, isSent: () => state.isSent }

  const fail = (error: NeighbourError) => {
    answer.reject(error)
    outgoing.destroy()
  }
  const failing = (reason: NoAnswer) => () => fail(new NeighbourError('legacy', reason))
  const sent = () => {
    state.isSent = true
    if (!state.isAnswered) clock.phase(times.deadlineMs, failing('timeout'))
  }
  const connected = () => {
    if (outgoing.writableFinished) return sent()
    // Whoever has nothing to send on waits for the client.
    const isWaiting = () => attempt.upload?.isHeldUp() === false
    clock.silence(times.silenceMs, () =>
      fail(isWaiting() ? new ClientSilent() : new NeighbourError('legacy', 'timeout')),
    )
  }
  const answered = (head: IncomingMessage) => {
    state.isAnswered = true
    answer.resolve(head)
  }
  clock.phase(times.connectMs, failing('unreachable'))
  outgoing.on('socket', (socket) => {
    state.bytesBefore = socket.bytesRead
    if (body !== null) hearLastWords(socket)
    if (socket.connecting) socket.once(upstream.readyEvent, connected)
    else connected()
  })
  outgoing.on('finish', sent)
  outgoing.on('response', answered)
  if (upgraded !== null) {
    outgoing.on('upgrade', (head, connection, first) => {
      upgraded(connection, first)
      answered(head)
    })
  }
  // Also when it has answered already: then the answer tells of it as well.
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    const nothingCame = (outgoing.socket?.bytesRead ?? 0) === state.bytesBefore
    answer.reject(new Broken(error, outgoing.reusedSocket && nothingCame))
  })
  // Whatever becomes of it without an error: an upgrade that nobody asked for.
  outgoing.on('close', () => void (state.isAnswered || answer.reject(new NeighbourError('legacy', 'wrong-answer'))))
  if (interim !== null) outgoing.on('continue', interim.continue).on('information', interim.information)
  if (body === null) outgoing.end()
  else {
    // The legacy application may want to answer before there is more.
    outgoing.flushHeaders()
    attempt.upload = pump({ from: body, to: outgoing, moved: clock.moved, ended: () => outgoing.end() })
  }
  return attempt
}
