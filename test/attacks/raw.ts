import { exchange } from '../support/raw-http.ts'

/** `all`: every byte that came, the head of the first answer and what follows it. */
export type RawAnswer = { status: number; head: string; body: string; all: string }

/** Sends these very bytes over a connection of their own, and answers all that comes until it is closed. */
export async function sendRaw(base: string, bytes: string): Promise<RawAnswer> {
  const all = await exchange(Number(new URL(base).port), Buffer.from(bytes, 'latin1'))
  const [head = '', ...body] = all.split('\r\n\r\n')
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: body.join('\r\n\r\n'), all }
}

/** A request of these lines, its connection closed with the answer. */
export function rawRequest(method: string, target: string, lines: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]
  return [`${method} ${target} HTTP/1.1`, 'Host: service', 'Connection: close', ...lines, ...length, '', body].join(
    '\r\n',
  )
}
