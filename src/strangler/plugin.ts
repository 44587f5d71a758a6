import type { IncomingMessage, Server } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LegacyRoute, RouteModes, StranglerObserver } from '../ports/strangler.ts'
import type { LegacyApplication } from './proxy/legacy-application.ts'
import { isShut } from './proxy/shut.ts'
import { isWaiting, turnOf } from './proxy/turns.ts'
import { isOurs, isWebSocket } from './requests.ts'
import type { Shadow } from './shadow/shadow.ts'
import { type PassOn, takeOver } from './taking-over.ts'

export type StranglerDeps = {
  /** Null: there is none. What is not ours, or not native, is then not found. */
  legacy: LegacyApplication | null
  routes: readonly LegacyRoute[]
  modes: RouteModes
  shadow: Shadow
  observer: StranglerObserver
  /** Longest time in which a request that is passed on must have arrived whole. */
  requestMs: number
  /** Addresses and CIDR blocks whose forwarding headers are believed. */
  trustedProxies: string[]
  /** Whether a request shows who asks in a way that is ours, be it true or not. */
  showsOurs(request: IncomingMessage): boolean
}

/** `statusOf`: what an error that a query or command rejects with is answered as. */
export type Registered = StranglerDeps & { statusOf(error: unknown): number }

const NO_COPY = 0

/** Endpoints of the legacy application, answered by it or in its place; and all else that is not ours, by it. */
export function registerStrangler(app: FastifyInstance, deps: Registered): void {
  const { legacy, routes } = deps
  const passOn = legacy && passingOn(app, legacy)
  if (passOn !== null) passOnTheRest(app, passOn)
  for (const route of routes) takeOver(app, route, { ...deps, passOn })
}

/** What concerns the server before there is a route: nothing where there is no legacy application. */
export function beforeTheRouter({ legacy, requestMs }: StranglerDeps) {
  const isOthers = ({ url = '' }: IncomingMessage): boolean => legacy !== null && !isOurs(url)
  return {
    isOthers,
    /** How long any request may take to arrive; those that are ours are held to less (plugins/slow-bodies.ts). */
    requestMs: (oursMs: number): number => (legacy === null ? oursMs : Math.max(oursMs, requestMs)),
    /** Any other upgrade is asked for in vain (RFC 9110 section 7.8), and the request answered as it is. */
    shouldUpgrade: (request: IncomingMessage): boolean => isOthers(request) && isWebSocket(request),
    /** A path that our router does not take may be one that the legacy application does. False: it is ours to refuse. */
    passOnWhatTheRouterRefuses(request: FastifyRequest, reply: FastifyReply): boolean {
      if (legacy === null || !isOthers(request.raw)) return false
      reply.hijack()
      inTurn(request, reply, () => {
        void legacy.pass(request.raw, reply.raw, { requestId: request.id, copyUpToBytes: NO_COPY })
      })
      return true
    },
    /** For the whole life of the server. */
    watch(server: Server): void {
      if (legacy === null) return
      server.on('upgrade', (request, socket, head) => {
        // The connection ends with the refusal of what came before.
        if (isShut(request.socket)) return
        // Behind a request that is not answered yet its bytes would go out in the midst of that one's.
        if (isWaiting(request.socket)) socket.destroy()
        else legacy.tunnel(request, socket, head)
      })
    },
    /** Something that came before it over the same connection has to be answered first, or is refused with all behind it. */
    mustWait: ({ socket }: IncomingMessage): boolean => legacy !== null && (isWaiting(socket) || isShut(socket)),
    /** Before all routes: whatever comes over a connection is carried out in its order, whoever answers it. */
    takeTurns(app: FastifyInstance): void {
      if (legacy !== null) app.addHook('onRequest', inTurn)
    },
    /** Nobody waits for event streams and tunnels to end: their clients find another replica. */
    endStreams: (): void => legacy?.endStreams(),
  }
}

/** Before a body is read: it is the legacy application's to read. */
function passOnTheRest(app: FastifyInstance, passOn: PassOn): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404 || isOurs(request.raw.url ?? '')) return
    await passOn(request, reply)
  })
}

function passingOn(app: FastifyInstance, legacy: LegacyApplication): PassOn {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  return ({ raw, id }, reply, copyUpToBytes = NO_COPY) => {
    reply.hijack()
    // While it drains, each answer is the last over its connection (plugins/draining.ts).
    return legacy.pass(raw, reply.raw, { requestId: id, copyUpToBytes, isLast: () => closing })
  }
}

/** Called in the very moment in which a request comes, before anything that takes its time. */
function inTurn({ raw }: FastifyRequest, reply: FastifyReply, begin: () => void): void {
  const { socket } = raw
  const beginUnlessShut = () => {
    // What stands behind a request that was refused is not carried out: it may be none.
    if (isShut(socket)) reply.hijack()
    else begin()
  }
  const turn = turnOf(socket, reply.raw)
  if (turn === false) socket.destroy()
  else if (turn === null) beginUnlessShut()
  else void turn.then(beginUnlessShut)
}
