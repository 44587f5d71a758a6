import { monotonicMs } from '../../bench/clock.ts'
import type { Credentials } from '../../bench/credentials.ts'
import { header, textOf } from '../../bench/load/answer.ts'
import { type Connection, connect } from '../../bench/load/connection.ts'

export type Request = { method: string; path: string; headers: Record<string, string>; body: object | null }
export type Reply = {
  api: string
  request: Request
  sentAtMs: number
  receivedAtMs: number
  status: number
  header(name: string): string | null
  text: string
}

/** No answer, or only a part of one. */
export class NoAnswerError extends Error {
  readonly sentAtMs: number
  readonly untilMs: number

  constructor(reason: string, sentAtMs: number) {
    super(reason)
    this.name = 'NoAnswerError'
    this.sentAtMs = sentAtMs
    this.untilMs = monotonicMs()
  }
}

/** Longer than any fault lasts and any deadline inside the service: what takes longer hangs. */
const ANSWER_LIMIT_MS = 20_000

export const get = (path: string, headers: Record<string, string> = {}): Request => {
  return { method: 'GET', path, headers, body: null }
}

export type Client = { api: string; ask(request: Request): Promise<Reply>; close(): void }

type Address = { name: string; port: number }

/** One kept-alive connection, made again when it is broken; one question at a time. `credentials`: what each shows. */
export function client({ name: api, port }: Address, credentials: Credentials | null): Client {
  let connection: Connection | null = null
  let busy = false
  const drop = () => {
    connection?.close()
    connection = null
  }
  return {
    api,
    async ask(request) {
      if (busy) throw new Error('this client waits for another answer')
      busy = true
      const sentAtMs = monotonicMs()
      try {
        connection ??= await connect(port)
        const answer = await within(ANSWER_LIMIT_MS, exchange(connection, bytesOf(request, credentials)))
        const receivedAtMs = monotonicMs()
        const { status } = answer
        if (header(answer, 'connection') === 'close') drop()
        return {
          api,
          request,
          sentAtMs,
          receivedAtMs,
          status,
          header: (name) => header(answer, name),
          text: textOf(answer),
        }
      } catch (error) {
        drop()
        throw new NoAnswerError(error instanceof Error ? error.message : String(error), sentAtMs)
      } finally {
        busy = false
      }
    },
    close: drop,
  }
}

function exchange(connection: Connection, bytes: string) {
  return new Promise<Parameters<Parameters<Connection['ask']>[1]>[0]>((resolve, reject) => {
    connection.ask(bytes, resolve, (reason) => reject(new Error(reason)))
  })
}

async function within<Value>(limitMs: number, answer: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/** In latin1, as the connection sends it: each character is one byte of UTF-8. */
function bytesOf({ method, path, headers: own, body }: Request, credentials: Credentials | null): string {
  const headers = { ...credentials, ...own }
  const text = body === null ? '' : Buffer.from(JSON.stringify(body)).toString('latin1')
  const sent =
    body === null ? headers : { ...headers, 'content-type': 'application/json', 'content-length': `${text.length}` }
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}\r\n${text}`
}
