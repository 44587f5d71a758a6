import { connect, type Socket } from 'node:net'
import { until } from './service.ts'

const SILENCE_MS = 15_000

export type Connection = {
  socket: Socket
  /** All that has come over it. */
  text(): string
  /** Rejects after a long silence. */
  closed: Promise<void>
  isClosed(): boolean
  received(part: string): Promise<unknown>
}

/** A connection on which a test says what it likes. The server may hang up at any moment: what it had said counts. */
export function dial(port: number): Connection {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const text = () => Buffer.concat(chunks).toString()
  let isClosed = false
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve, reject) => {
    socket.once('close', () => {
      isClosed = true
      resolve()
    })
    socket.setTimeout(SILENCE_MS, () => {
      reject(new Error(`${SILENCE_MS} ms of silence after ${text().slice(0, 500)}`))
      socket.destroy()
    })
  })
  closed.catch(() => undefined)
  const received = (part: string) => until(part, async () => text().includes(part))
  return { socket, text, closed, isClosed: () => isClosed, received }
}

/** Sends these bytes, and nothing more, and answers what came until the server closed the connection. */
export async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const { socket, text, closed } = dial(port)
  socket.write(bytes)
  await closed
  return text()
}

export type RawAnswer = { status: number; headers: Map<string, string>; body: string }

/** The first of the answers. */
export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)]
  })
  return { status: Number(first.split(' ')[1]), headers: new Map(headers), body: text.slice(end + 4) }
}
