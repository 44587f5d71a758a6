import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A test's context; what is started for it ends with it. */
type Owner = { after(end: () => unknown): void }

/**
 * Stands before a Redis on 127.0.0.1, and can make single connections silent, as a network does that loses everything:
 * no bytes and no end come from the server any more. Connections are told apart by a text in the first that they send,
 * the name that they give themselves, for example.
 */
export async function startTcpProxy(t: Owner, targetPort: number) {
  const sockets = new Set<Socket>()
  const connections = new Set<{ said: string; held: (() => void)[] }>()
  let silent: RegExp | null = null

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1')
    const connection = { said: '', held: [] as (() => void)[] }
    connections.add(connection)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    const toClient = (deliver: () => void) => {
      if (silent?.test(connection.said)) connection.held.push(deliver)
      else deliver()
    }
    client.on('data', (bytes: Buffer) => {
      if (connection.said.length < MAX_SAID) connection.said += bytes.toString('latin1')
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => toClient(() => client.write(bytes)))
    upstream.on('close', () => toClient(() => client.destroy()))
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })

  return {
    port: (server.address() as AddressInfo).port,
    /** Those connections hear nothing more whose first bytes match. */
    silence(which: RegExp): void {
      silent = which
    },
    /** They hear it all now, in its order. */
    resume(): void {
      silent = null
      for (const { held } of connections) for (const deliver of held.splice(0)) deliver()
    },
    /** Whether something is held back. */
    holds: () => [...connections].some(({ held }) => held.length > 0),
  }
}

/** The set-up of a connection, with its name, is shorter. */
const MAX_SAID = 1_000
