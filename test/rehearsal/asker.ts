import { Agent, request } from 'node:http'
import { monotonicMs } from '../../bench/clock.ts'
import type { Credentials } from '../../bench/credentials.ts'

export type Question = { method: string; path: string; headers?: Record<string, string>; body?: object }
type Sent = { sentAtMs: number; atMs: number; pod: string }
export type Answered = Sent & { status: number; header(name: string): string | null; text: string }
/**
 * `mayRepeat`: the connection had been used before, and was closed before any byte of an answer. Then a client may ask once
 * more by itself, where the method is idempotent (RFC 9112, section 9.3.1).
 */
export type Unanswered = Sent & { reason: string; mayRepeat: boolean }
export type Asker = { ask(question: Question): Promise<Answered | Unanswered>; close(): void }
type Options = {
  port: number
  /** Whom the connection from this port was given to. */
  podOf(clientPort: number): string
  credentials: Credentials
  keepAlive: boolean
  limitMs: number
}

/**
 * One client with one connection, by Node's own HTTP client: it obeys `Connection: close`, and leaves connections that it has seen
 * closed. One question at a time.
 */
export function asker({ port, podOf, credentials, keepAlive, limitMs }: Options): Asker {
  const agent = new Agent({ keepAlive, maxSockets: 1 })
  return {
    ask: ({ method, path, headers = {}, body }) =>
      new Promise((resolve) => {
        const sentAtMs = monotonicMs()
        let clientPort = 0
        let bytesBefore = 0
        let received = () => 0
        const text = body === undefined ? '' : JSON.stringify(body)
        const more =
          body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
        const options = {
          agent,
          port,
          host: '127.0.0.1',
          method,
          path,
          headers: { ...credentials, ...headers, ...more },
        }
        const sent = (): Sent => ({ sentAtMs, atMs: monotonicMs(), pod: podOf(clientPort) })
        const late = setTimeout(() => asked.destroy(new Error(LATE)), limitMs)
        const failed = (error: NodeJS.ErrnoException) => {
          clearTimeout(late)
          const silent = asked.reusedSocket && received() === bytesBefore && error.message !== LATE
          resolve({ ...sent(), reason: error.code ?? error.message, mayRepeat: silent })
        }
        const asked = request(options, (answer) => {
          const parts: Buffer[] = []
          answer.on('data', (part: Buffer) => parts.push(part))
          answer.on('error', failed)
          answer.on('end', () => {
            clearTimeout(late)
            const { statusCode: status = 0, headers: its } = answer
            const header = (name: string) => (its[name] === undefined ? null : String(its[name]))
            resolve({ ...sent(), status, header, text: Buffer.concat(parts).toString('utf8') })
          })
        })
        asked.on('socket', (socket) => {
          const begin = () => {
            clientPort = socket.localPort ?? 0
            bytesBefore = socket.bytesRead
            received = () => socket.bytesRead
          }
          if (socket.connecting) socket.once('connect', begin)
          else begin()
        })
        asked.on('error', failed)
        asked.end(text)
      }),
    close: () => agent.destroy(),
  }
}

export const LATE = 'no answer in time'
