import { connect, type Socket } from 'node:net'
import { type ByteReader, byteReader } from './byte-reader.ts'
import { type Body, digested, type Framing, framingOf, type Header, headFrom, readBody } from './message.ts'
import { writeInPieces } from './pieces.ts'

/** One request as bytes. `awaits`: the body is sent when 100 has come, or nothing for a while. `pieceBytes`: all of it goes in
 * pieces of this size, each by itself. */
export type Sent = { method: string; head: Buffer; body: Buffer; awaits?: boolean; pieceBytes?: number }
/** `comesBack`: how many bytes are awaited before the next is sent. */
export type Frame = { bytes: Buffer; comesBack: number }
/** `frames`: what is sent when the last request was answered with 101, each when the one before it has come back. */
export type Conversation = { sent: Sent[]; isPipelined?: boolean; frames?: Frame[]; onFirstBodyBytes?: () => void }

export type RawAnswer = {
  status: number
  reason: string
  headers: Header[]
  framing: Framing
  body: Body
  /** Answers of 1xx before it. */
  interim: { status: number; headers: Header[] }[]
}
/** `surplus`: what came after the last answer. `echoed`: what came after a 101. */
export type Heard = { answers: RawAnswer[]; surplus: string; echoed: string; isTimedOut: boolean }

/** No conversation takes so long; one that does hangs. */
const LIMIT_MS = 8_000
const LIMIT_BYTES = 64 * 1_048_576
/** RFC 9110, 10.1.1: a client need not wait for 100 for ever. */
const CONTINUE_WAIT_MS = 150
const SHOWN_SURPLUS_BYTES = 200

/** Says all of it on one connection, and tells what was heard, however it ended. */
export async function converse(port: number, conversation: Conversation): Promise<Heard> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const heard: Heard = { answers: [], surplus: '', echoed: '', isTimedOut: false }
  const timer = setTimeout(() => {
    heard.isTimedOut = true
    socket.destroy()
  }, LIMIT_MS)
  socket.on('error', () => undefined)
  const reader = byteReader(socket, LIMIT_BYTES)
  try {
    await exchangeAll(socket, reader, conversation, heard)
    // Who answered keeps the connection or ends it; our end makes that certain, and shows bytes that nobody asked for.
    socket.end()
    heard.surplus = (await reader.rest()).toString('latin1', 0, SHOWN_SURPLUS_BYTES)
    return heard
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

async function exchangeAll(socket: Socket, reader: ByteReader, conversation: Conversation, heard: Heard) {
  const { sent, isPipelined = false, frames = [] } = conversation
  if (isPipelined) socket.write(Buffer.concat(sent.flatMap(({ head, body }) => [head, body])))
  for (const one of sent) {
    const bytes = one.awaits ? one.head : Buffer.concat([one.head, one.body])
    if (!isPipelined) void writeInPieces(socket, bytes, one.pieceBytes ?? bytes.length)
    const awaiting = one.awaits ? continuation(socket, one.body) : null
    const answer = await readAnswer(reader, one.method, awaiting, conversation.onFirstBodyBytes)
    awaiting?.stop()
    if (answer === null) return
    heard.answers.push(answer)
    if (answer.status === 101) heard.echoed = await echoes(socket, reader, frames)
  }
}

function continuation(socket: Socket, body: Buffer) {
  let timer: NodeJS.Timeout | null = setTimeout(() => go(), CONTINUE_WAIT_MS)
  const stop = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
  }
  const go = () => {
    if (timer !== null) socket.write(body)
    stop()
  }
  return { go, stop }
}

type Continuation = ReturnType<typeof continuation>

async function readAnswer(
  reader: ByteReader,
  method: string,
  awaiting: Continuation | null,
  onFirstBodyBytes: (() => void) | undefined,
): Promise<RawAnswer | null> {
  const interim: RawAnswer['interim'] = []
  for (;;) {
    const bytes = await reader.head()
    if (bytes === null) return null
    const { startLine, headers } = headFrom(bytes)
    const [, status = '', reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/s.exec(startLine) ?? []
    const code = Number(status)
    if (code >= 100 && code < 200 && code !== 101) {
      interim.push({ status: code, headers })
      if (code === 100) awaiting?.go()
      continue
    }
    awaiting?.stop()
    const isBodiless = method === 'HEAD' || code === 204 || code === 304 || code === 101
    const framing = framingOf(headers, 'answer', isBodiless)
    if (onFirstBodyBytes !== undefined && framing !== 'none') {
      await reader.present()
      onFirstBodyBytes()
    }
    const body = await readBody(reader, headers, framing)
    return { status: code, reason, headers, framing, body, interim }
  }
}

async function echoes(socket: Socket, reader: ByteReader, frames: Frame[]): Promise<string> {
  const pieces: Buffer[] = []
  for (const { bytes, comesBack } of frames) {
    socket.write(bytes)
    pieces.push(await reader.take(comesBack))
  }
  // After our end, whatever is still on its way: what the other side had sent unasked, and its end.
  socket.end()
  pieces.push(await reader.rest())
  const { bytes, sha256 } = digested(pieces, true)
  return `${bytes} bytes, ${sha256}`
}
