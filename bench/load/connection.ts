import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { type Answer, answerReader } from './answer.ts'

/** One kept-alive connection; one question at a time. */
export type Connection = {
  /** Calls back with the answer, or with why there will be none: then the connection is of no more use. */
  ask(request: string, onAnswer: (answer: Answer) => void, onBroken: (reason: string) => void): void
  close(): void
}

export async function connect(port: number): Promise<Connection> {
  const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let onAnswer: ((answer: Answer) => void) | null = null
  let onBroken: ((reason: string) => void) | null = null
  const broken = (reason: string) => {
    const tell = onBroken
    onAnswer = onBroken = null
    socket.destroy()
    tell?.(reason)
  }
  const take = answerReader((answer) => {
    const tell = onAnswer
    onAnswer = onBroken = null
    if (tell === null) throw new Error('an answer that nobody asked for')
    tell(answer)
  })
  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (error) {
      broken(String(error))
    }
  })
  socket.on('error', (error) => broken(error.message))
  socket.on('close', () => broken('the connection was closed'))
  return {
    ask(request, answered, failed) {
      if (socket.destroyed) {
        failed('the connection is closed')
        return
      }
      onAnswer = answered
      onBroken = failed
      socket.write(request, 'latin1')
    },
    close: () => socket.destroy(),
  }
}

export type Asker = { ask(request: string): Promise<Answer>; close(): void }

/** For those who ask one thing after another and whom a failure ends. */
export async function connectAsker(port: number): Promise<Asker> {
  const connection = await connect(port)
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        connection.ask(request, resolve, (reason) => reject(new Error(`${request.split('\r\n', 1)[0]}: ${reason}`)))
      }),
    close: connection.close,
  }
}

/** One who shows the same headers with each request. */
export type Client = {
  get(path: string): Promise<Answer>
  put(path: string, body: object): Promise<Answer>
  close(): void
}

export async function connectAs(port: number, headers: Record<string, string>): Promise<Client> {
  const { ask, close } = await connectAsker(port)
  return {
    get: (path) => ask(get(path, headers)),
    put: (path, body) => ask(put(path, body, headers)),
    close,
  }
}

export function get(path: string, headers: Record<string, string> = {}): string {
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines(headers)}\r\n`
}

/** ASCII only. */
export function put(path: string, body: object, headers: Record<string, string> = {}): string {
  const text = JSON.stringify(body)
  const sent = { ...headers, 'content-type': 'application/json', 'content-length': String(text.length) }
  return `PUT ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines(sent)}\r\n${text}`
}

function lines(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}
