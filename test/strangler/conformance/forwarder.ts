import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ProxyUnderTest } from './proxies.ts'

/** What becomes of the bytes of each direction, piece by piece. */
export type Changes = { request?: (text: string) => string; answer?: (text: string) => string }

/** Passes bytes on and understands none of them. With changes it is a proxy with that fault. Text is latin1. */
export async function forwarder(legacyUrl: string, { request, answer }: Changes = {}): Promise<ProxyUnderTest> {
  const sockets = new Set<Socket>()
  const port = Number(new URL(legacyUrl).port)
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const legacy = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    join(client, legacy, request)
    join(legacy, client, answer)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  function join(from: Socket, to: Socket, change: ((text: string) => string) | undefined): void {
    sockets.add(from)
    from.on('error', () => undefined).on('close', () => sockets.delete(from))
    if (change === undefined) from.pipe(to)
    else {
      from.on('data', (piece: Buffer) => to.write(change(piece.toString('latin1')), 'latin1'))
      from.on('end', () => to.end())
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
