import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One address for servers that take turns, as a Kubernetes Service or a virtual IP is: `switchTo` ends what is open. */
export async function startFront(owner: { after(end: () => unknown): void }, firstPort: number) {
  let target = firstPort
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endAll = () => {
    for (const socket of open) socket.destroy()
  }
  owner.after(() => {
    server.close()
    endAll()
  })
  return {
    port: (server.address() as AddressInfo).port,
    switchTo(port: number): void {
      target = port
      endAll()
    },
  }
}
