import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Dice } from '../../src/jobs/seed/random.ts'

/** How long it takes until everybody who sends connections knows of a change: at least, at most. */
export type Propagation = { leastMs: number; mostMs: number }
type Options = { roll: Dice; propagation: Propagation }
export type Balancer = Awaited<ReturnType<typeof startBalancer>>

/** What stands for a pod's name where there was no pod to be given to. */
export const NOBODY = 'nobody'

/**
 * One address before pods that come and go, as kube-proxy does it: a new connection goes to one of those that are known to
 * be ready, by chance; where it went it stays, whatever becomes of the pod. What it is told it knows a while later.
 * Not as kube-proxy does it: who is given to a pod that does not listen is accepted first, and then reset.
 */
export async function startBalancer({ roll, propagation: { leastMs, mostMs } }: Options) {
  const ready = new Map<string, number>()
  const told = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  const sockets = new Set<Socket>()
  /** By the client's port: whom its connection was given to. */
  const given = new Map<number, string>()

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const names = [...ready.keys()]
    const name = names.length > 0 ? roll.pick(names) : NOBODY
    given.set(client.remotePort ?? 0, name)
    keep(client)
    const port = ready.get(name)
    if (port === undefined) {
      client.on('error', () => undefined)
      client.resetAndDestroy()
      return
    }
    const pod = keep(connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
    passOn(client, pod)
    passOn(pod, client)
  })
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    /** The port where a pod may be sent to from now on; null: it may not any more. */
    tell(name: string, port: number | null): void {
      const number = (told.get(name) ?? 0) + 1
      told.set(name, number)
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          // What was said later is known already.
          if ((told.get(name) ?? 0) > number) return
          if (port === null) ready.delete(name)
          else ready.set(name, port)
        },
        leastMs + roll.below(mostMs - leastMs + 1),
      )
      timers.add(timer)
    },
    knows: (name: string): boolean => ready.has(name),
    podOf: (clientPort: number): string => given.get(clientPort) ?? NOBODY,
    async close(): Promise<void> {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Ends and resets are handed on as what they are. */
function passOn(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => to.resetAndDestroy())
  from.on('close', () => to.destroySoon())
}
