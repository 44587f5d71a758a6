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
  const all = new Set<Socket>()
  const silent = new Set<string>()
  const waiting: { said: () => string; deliver: () => void }[] = []
  const isSilent = (said: string) => [...silent].some((text) => said.includes(text))

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1')
    let first = ''
    for (const socket of [client, upstream]) {
      all.add(socket)
      socket.on('error', () => undefined)
    }
    const toClient = (deliver: () => void) => {
      if (isSilent(first)) waiting.push({ said: () => first, deliver })
      else deliver()
    }
    client.on('data', (bytes: Buffer) => {
      if (first.length < 1_000) first += bytes.toString('latin1')
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => toClient(() => client.write(bytes)))
    upstream.on('close', () => toClient(() => client.destroy()))
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of all) socket.destroy()
  })

  return {
    port: (server.address() as AddressInfo).port,
    /** Connections that said `text` hear nothing more. */
    silence: (text: string) => void silent.add(text),
    /** They hear it all now, in its order. */
    resume(text: string): void {
      silent.delete(text)
      for (const { said, deliver } of waiting.splice(0)) if (said().includes(text)) deliver()
    },
    waiting: () => waiting.length,
  }
}
