import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type Answer, chooser, type Fault, play } from './fault-kinds.ts'

export type Asked = {
  method: string
  /** With the query. */
  path: string
  headers: IncomingHttpHeaders
}

export type FaultServer = {
  /** `http://127.0.0.1:<port>`: the same whatever happens. */
  url: string
  /** From when it resolves on, for requests that arrive; null: healthy. One call at a time. */
  set(fault: Fault | null): Promise<void>
  /** Requests whose head has arrived, since the last reset. */
  arrived(): number
  /** The last ones of them, at most MAX_KEPT. */
  requests(): Asked[]
  /** Connections that were taken, since the server began. */
  connections(): number
  /** Bytes that were handed to the network or wait for it, headers among them, since the last reset. */
  sentBytes(): number
  reset(): void
  /** Requests that have arrived and are not answered, and whose connection is still there. */
  unanswered(): number
  /** Also with requests under way; nothing of it is left then. */
  close(): Promise<void>
}

export const MAX_KEPT = 1_000
const LOOPBACK = '127.0.0.1'
/** Longer than a test: a connection that ends by itself would be one more fault, which nobody asked for. */
const KEEP_ALIVE_MS = 600_000

/** A microservice on loopback that answers as `respond` says, and misbehaves as it is told. */
export async function startFaultServer(respond: (request: Asked) => Answer): Promise<FaultServer> {
  let next = chooser(null)
  let arrived = 0
  const kept: Asked[] = []
  const open = new Set<ServerResponse>()

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, ({ method = '', url = '', headers }, response) => {
    const asked = { method, path: url, headers }
    arrived += 1
    kept.push(asked)
    if (kept.length > MAX_KEPT) kept.shift()
    open.add(response)
    const going = new AbortController()
    // When the last byte has been handed over, and when the connection has gone, whichever is first.
    response.once('close', () => {
      open.delete(response)
      going.abort()
    })
    void play(next(), { response, right: respond(asked), gone: going.signal })
  })
  const traffic = watchTraffic(server)
  const listening = await listenWhileTold(server, traffic.cutOff)

  return {
    url: `http://${LOOPBACK}:${listening.port}`,
    async set(fault) {
      if (fault?.kind === 'refused') return listening.pause()
      next = chooser(fault)
      await listening.resume()
    },
    arrived: () => arrived,
    requests: () => [...kept],
    connections: traffic.connections,
    sentBytes: traffic.sentBytes,
    reset() {
      arrived = 0
      kept.length = 0
      traffic.reset()
    },
    unanswered: () => open.size,
    close: listening.end,
  }
}

function watchTraffic(server: Server) {
  const countedFrom = new Map<Socket, number>()
  let ofClosed = 0
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    countedFrom.set(socket, 0)
    socket.once('close', () => {
      ofClosed += socket.bytesWritten - (countedFrom.get(socket) ?? 0)
      countedFrom.delete(socket)
    })
  })
  return {
    connections: () => connections,
    sentBytes: () => [...countedFrom].reduce((sum, [socket, from]) => sum + socket.bytesWritten - from, ofClosed),
    reset() {
      ofClosed = 0
      for (const socket of countedFrom.keys()) countedFrom.set(socket, socket.bytesWritten)
    },
    async cutOff() {
      const closed = [...countedFrom.keys()].map((socket) => {
        socket.destroy()
        return new Promise((resolve) => socket.once('close', resolve))
      })
      await Promise.all(closed)
    },
  }
}

/** Listens on one free port, whenever it listens. */
async function listenWhileTold(server: Server, cutOff: () => Promise<void>) {
  const listen = async (port: number) => {
    server.listen(port, LOOPBACK)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    // Its 'close' may come before those of its connections.
    await cutOff()
    await closed
  }
  const port = await listen(0)
  let held: Socket | null = null
  const letGo = () => {
    held?.destroy()
    held = null
  }
  return {
    port,
    async pause() {
      await stop()
      held ??= await hold(port)
    },
    async resume() {
      if (!server.listening) await listen(port)
      letGo()
    },
    async end() {
      letGo()
      await stop()
    },
  }
}

/**
 * A connection of the port with itself. While it stands, nobody is given the port as a free one, and no client that calls
 * it can happen to be connected with itself.
 */
async function hold(port: number): Promise<Socket> {
  const socket = connect({ host: LOOPBACK, port, localAddress: LOOPBACK, localPort: port })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
