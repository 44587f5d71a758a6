import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Owner } from '../../contract/rig.ts'

/** DRDA's code point of the command RDBCMM, commit: The Open Group, DRDA Volume 3, code point 200E. */
const RDBCMM = Buffer.from([0x20, 0x0e])
/** Of a command's data stream structure: length, magic D0, format, correlation, length, code point. */
const CODE_POINT_AT = 8

/**
 * Stands between a client and a DRDA server. The next COMMIT is broken off: `before` it reaches the server, or `after` the
 * server has answered it, which the client then never hears.
 */
export async function commitGate(t: Owner, serverPort: number) {
  const sockets = new Set<Socket>()
  let armed: 'before' | 'after' | null = null
  let broken = 0
  let shut = false
  let shutting = false
  const server = createServer((client) => {
    if (shut) return client.destroy()
    const upstream = connect(serverPort, '127.0.0.1')
    let swallowing = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    const breakOff = () => {
      shut = shutting
      broken += 1
      client.destroy()
      upstream.destroy()
    }
    client.on('data', (bytes: Buffer) => {
      if (armed === null || !isCommit(bytes)) return upstream.write(bytes)
      const when = armed
      armed = null
      if (when === 'before') return breakOff()
      swallowing = true
      return upstream.write(bytes)
    })
    upstream.on('data', (bytes) => (swallowing ? breakOff() : client.write(bytes)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return {
    port: (server.address() as { port: number }).port,
    breakNextCommit(when: 'before' | 'after'): void {
      armed = when
    },
    closeAfterwards(): void {
      shutting = true
    },
    broken: () => broken,
  }
}

function isCommit(bytes: Buffer): boolean {
  return bytes.subarray(CODE_POINT_AT, CODE_POINT_AT + 2).equals(RDBCMM)
}
