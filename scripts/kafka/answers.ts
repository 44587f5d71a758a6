import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

const ANSWER_LIMIT_MS = 1_000

/** ApiVersions, version 0, which every broker answers and before any login. https://kafka.apache.org/protocol */
const QUESTION = Buffer.from([
  ...[0, 0, 0, 10], // the length of the rest
  ...[0, 18, 0, 0], // ApiVersions, version 0
  ...[0, 0, 0, 1], // to be found again in the answer
  ...[0xff, 0xff], // no client id
])
const ANSWER_HEAD_BYTES = 10

/** Whether a broker answers there. A broker listens only when its controller has let it in. `ca`: over TLS, as PEM. */
export function answers(port: number, ca: string | null): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const address = { host: '127.0.0.1', port }
  const socket = ca === null ? connect(address) : connectTls({ ...address, ca })
  let answer = Buffer.alloc(0)
  socket.on(ca === null ? 'connect' : 'secureConnect', () => socket.write(QUESTION))
  socket.on('data', (bytes: Buffer) => {
    answer = Buffer.concat([answer, bytes])
    // The same number again, and no error.
    if (answer.length >= ANSWER_HEAD_BYTES) resolve(answer.readInt32BE(4) === 1 && answer.readInt16BE(8) === 0)
  })
  socket.on('error', () => resolve(false)).on('close', () => resolve(false))
  socket.setTimeout(ANSWER_LIMIT_MS, () => resolve(false))
  return promise.finally(() => socket.destroy())
}
