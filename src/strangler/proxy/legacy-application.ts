import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NoAnswer } from '../../ports/neighbours.ts'
import type { LegacyCopy } from '../../ports/strangler.ts'
import type { Log } from '../../ports.ts'
import { asking, type OfOurOwn } from './asking.ts'
import { forwarding } from './forwarding.ts'
import type { LegacyTimes } from './limits.ts'
import type { LegacyGuard, Parts, TraceContext } from './parts.ts'
import { passing } from './passing.ts'
import { streamPlaces } from './stream-places.ts'
import { tunnelling } from './tunnelling.ts'
import { upstream } from './upstream.ts'
import type { Withheld } from './withheld.ts'

export type LegacyOptions = LegacyTimes & {
  /** http or https, perhaps with a path, beneath which everything is. */
  url: string
  concurrent: number
  idleMs: number
  /** Event streams and tunnels at the same time. */
  streams: number
  /** Addresses and CIDR blocks. */
  trustedProxies: string[]
  withheld: Withheld
  guard: LegacyGuard
  /** Null: what a request shows of the trace that it belongs to is passed on as it came. */
  tracing?: TraceContext | null
  log: Log
}
/** `headMs`: until the head of the answer. `copy` null: none was wanted, it is too large, or was cut short. */
export type Passed =
  | { outcome: 'answered'; status: number; headMs: number; copy: LegacyCopy | null }
  /** The client has a problem document, or has gone. `refused`: the request itself is at fault. */
  | { outcome: NoAnswer; headMs: number }
export type Passing = {
  requestId: string
  /** 0: no copy is wanted. */
  copyUpToBytes: number
  /** Whether the client's connection is closed afterwards, asked when it is answered: this process may be about to end. */
  isLast?: () => boolean
}

export type LegacyApplication = {
  /** Passes a request on and its answer back; settles when all of it is over. Never rejects. */
  pass(request: IncomingMessage, response: ServerResponse, passing: Passing): Promise<Passed>
  /** The server's 'upgrade' event: a WebSocket, say. */
  tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** A GET of our own accord. Rejects with NeighbourError. */
  ask(request: OfOurOwn, maxBytes: number, signal: AbortSignal): Promise<LegacyCopy>
  /** Ends event streams and tunnels, which nobody would wait for. */
  endStreams(): void
  /** Ends all that is under way. */
  close(): Promise<void>
}

/** The application that answers whatever is not taken over. */
export function legacyApplication(options: LegacyOptions): LegacyApplication {
  const server = upstream(options)
  const parts: Parts = {
    ...{ upstream: server, times: options, guard: options.guard, log: options.log },
    forward: forwarding(options.trustedProxies),
    withheld: options.withheld,
    tracing: options.tracing ?? null,
    streams: streamPlaces(options.streams),
    underWay: new Set<() => void>(),
  }
  return {
    pass: passing(parts),
    tunnel: tunnelling(parts),
    ask: asking(parts),
    endStreams: parts.streams.endAll,
    async close() {
      parts.streams.endAll()
      for (const end of parts.underWay) end()
      server.close()
    },
  }
}
