import { once } from 'node:events'
import { createServer, type IncomingMessage, METHODS, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy, { type FastifyHttpProxyOptions } from '@fastify/http-proxy'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { pino } from 'pino'
import { legacyApplication, type Passed } from '../../../src/strangler/proxy/legacy-application.ts'
import { turnOf } from '../../../src/strangler/proxy/turns.ts'
import { isWebSocket } from '../../../src/strangler/requests.ts'
import { forwarder } from './forwarder.ts'

export type ProxyUnderTest = { port: number; close(): Promise<void> }
export type StartProxy = (legacyUrl: string) => Promise<ProxyUnderTest>

/** With it everything is equal, or the table itself is at fault. */
export const bytes: StartProxy = (legacyUrl) => forwarder(legacyUrl)

/** Nothing of the table takes so long. */
const PATIENT_MS = 5_000

/** The proxy alone, behind a plain server: nothing is taken over, and no breaker is between. */
export const ours: StartProxy = (legacyUrl) => withLegacyApplication(legacyUrl, { copyUpToBytes: 0 })

type Copies = { copyUpToBytes: number; onPassed?: (request: IncomingMessage, passed: Passed) => void }

/** `onPassed`: is told of each request when all of it is over. */
export async function withLegacyApplication(legacyUrl: string, copies: Copies): Promise<ProxyUnderTest> {
  const { copyUpToBytes, onPassed = () => undefined } = copies
  const legacy = legacyApplication({
    url: legacyUrl,
    ...{ connectMs: PATIENT_MS, deadlineMs: PATIENT_MS, silenceMs: PATIENT_MS, streamSilenceMs: PATIENT_MS },
    ...{ concurrent: 64, idleMs: 1_000, streams: 64 },
    trustedProxies: [],
    withheld: () => false,
    guard: { run: async (_, { head, rest }) => rest(await head()) },
    log: pino({ level: 'silent' }),
  })
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const turn = turnOf(request.socket, response)
    if (turn !== null) await turn
    const passed = await legacy.pass(request, response, { requestId: 'conformance', copyUpToBytes })
    onPassed(request, passed)
  }
  const server = createServer({ shouldUpgradeCallback: isWebSocket }, answer)
    // Whether the body shall come says the legacy application, and not Node on its own.
    .on('checkContinue', answer)
    .on('checkExpectation', answer)
    .on('upgrade', legacy.tunnel)
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      await legacy.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The largest body of the table, and some more. */
const BODY_LIMIT_BYTES = 32 * 1_048_576

/** The usual library, set up as well as it can be: to know what it is that ours is written for. */
export const replyFrom: StartProxy = (legacyUrl) => withReplyFrom(legacyUrl, {})
/** The same, with Node's own client in place of undici. */
export const replyFromHttp: StartProxy = (legacyUrl) => withReplyFrom(legacyUrl, { http: {} })

/** Fastify reads no bodies of these. */
const BODILESS = new Set(['GET', 'HEAD', 'TRACE'])

async function withReplyFrom(legacyUrl: string, client: { http?: object }): Promise<ProxyUnderTest> {
  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES })
  const methods = METHODS.filter((method) => method !== 'CONNECT')
  for (const method of methods) app.addHttpMethod(method, { hasBody: !BODILESS.has(method), overrideExisting: true })
  await app.register(httpProxy, {
    upstream: legacyUrl,
    httpMethods: methods,
    websocket: true,
    wsClientOptions: {
      // Else only cookies are passed on, and the case would not be known again.
      rewriteRequestHeaders: (headers: object, { headers: sent }: FastifyRequest) => ({
        ...headers,
        ...Object.fromEntries(Object.entries(sent).filter(([name]) => !/^(sec-|connection$|upgrade$)/.test(name))),
      }),
    },
    // Else a GET is repeated on 503.
    retryMethods: [],
    replyOptions: {
      onError: (reply: FastifyReply) => void reply.code(502).send('no answer'),
      // An answer with Trailer and a length would end the process: ERR_HTTP_TRAILER_INVALID, thrown out of an event.
      rewriteHeaders: ({ trailer: _, ...headers }: Record<string, unknown>) => headers,
      rewriteRequestHeaders: (request: FastifyRequest, headers: Record<string, unknown>) => ({
        ...headers,
        host: request.headers.host,
        'x-forwarded-for': request.ip,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': request.headers.host,
      }),
    },
    ...client,
  } as unknown as FastifyHttpProxyOptions)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    port: (app.server.address() as AddressInfo).port,
    async close() {
      app.server.closeAllConnections()
      await app.close()
    },
  }
}
