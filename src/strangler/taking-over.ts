import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DomainError, type ErrorCode } from '../domain/errors.ts'
import { isNative } from '../domain/strangler.ts'
import { loadOf } from '../ports/rate-limits.ts'
import type { LegacyAnswer, LegacyCopy, LegacyRoute } from '../ports/strangler.ts'
import type { Registered } from './plugin.ts'
import type { Passed } from './proxy/legacy-application.ts'
import { peerOf } from './proxy/peer.ts'
import { legacyRequest, stickyKey } from './requests.ts'
import type { Look } from './shadow/shadow.ts'

/** Larger answers are not compared. */
export const MAX_COMPARED_BYTES = 262_144
const NO_COPY = 0
const FIRST_FAILURE = 500

/** Who has answered: the legacy application (the proxy says so), or we. */
const ANSWERED_BY = 'answered-by'

export type PassOn = (request: FastifyRequest, reply: FastifyReply, copyUpToBytes?: number) => Promise<Passed>
/** `passOn` null: there is no legacy application. */
type Deps = Registered & { passOn: PassOn | null }
type Ask = (signal: AbortSignal) => Promise<LegacyCopy>

/** One endpoint of the legacy application, answered by whom its mode says. */
export function takeOver(app: FastifyInstance, route: LegacyRoute, deps: Deps): void {
  const { passOn, modes } = deps
  const answers = sides(route, deps)
  const mayAsk = admission(deps)
  // Bodies have their own parser here, which other routes must not get.
  app.register(async (scope) => {
    takeAnyBody(scope)
    scope.route({
      method: route.method,
      url: route.path,
      schema: { hide: true },
      config: { scope: null, legacyRoute: route.id },
      // Before a body is read: it may be the legacy application's to read.
      onRequest: async (request, reply) => {
        const asked = legacyRequest(request)
        const { mode } = modes.of(route.id)
        const isTaken = route.takes(asked)
        if (isTaken && isNative(mode, stickyKey(route, asked)) && (await mayAsk(route, request, reply)))
          return awaitBody(request, reply)
        if (passOn === null) return reply.callNotFound()
        await answers.byLegacy(request, reply, isTaken && mode.mode === 'shadow' ? answers.look(request) : null)
      },
      handler: answers.natively,
    })
  })
}

const UNKNOWN: string[] = ['token-missing', 'token-invalid', 'missing-scope'] satisfies ErrorCode[]

/**
 * Whether the caller may be answered here. Who shows no token of ours that allows it may have what the legacy application
 * wants to see: they are its own, in every mode. Without one, they are refused.
 */
function admission({ passOn, showsOurs }: Pick<Deps, 'passOn' | 'showsOurs'>) {
  return async ({ scopes, method }: LegacyRoute, request: FastifyRequest, reply: FastifyReply): Promise<boolean> => {
    if (passOn !== null && !showsOurs(request.raw)) return false
    try {
      await request.admit(reply, scopes, loadOf(method))
      return true
    } catch (error) {
      if (passOn === null || !(error instanceof DomainError) || !UNKNOWN.includes(error.code)) throw error
      reply.removeHeader('www-authenticate')
      return false
    }
  }
}

/** What Django takes by default (DATA_UPLOAD_MAX_MEMORY_SIZE, https://docs.djangoproject.com/en/5.2/ref/settings/). */
const MAX_BODY_BYTES = 2_621_440

/** What is no JSON is for the route to refuse, in the legacy application's words. */
function takeAnyBody(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
    done(null, jsonIn(body)),
  )
}

function jsonIn(body: Buffer): unknown {
  if (!isUtf8(body)) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** Whoever waits for our word before they send a body is given it: the proxy would have asked the legacy application. */
function awaitBody({ headers, raw: { httpVersion } }: FastifyRequest, reply: FastifyReply): void {
  reply.header(ANSWERED_BY, 'native')
  const isTooLarge = Number(headers['content-length']) > MAX_BODY_BYTES
  if (headers.expect !== undefined && httpVersion === '1.1' && !isTooLarge) reply.raw.writeContinue()
}

function sides(route: LegacyRoute, { legacy, passOn, modes, shadow, observer, statusOf }: Deps) {
  const isRead = route.method === 'GET'
  const look = ({ raw }: FastifyRequest): Look | null => (raw.method === 'GET' ? shadow.begin(route) : null)
  /** Made while the client is there: whose connection it is, is forgotten with that. */
  const asking = ({ raw }: FastifyRequest): Ask => {
    const question = { path: raw.url ?? '', rawHeaders: raw.rawHeaders, peer: peerOf(raw) }
    return (signal) => {
      if (legacy === null) return Promise.reject(new Error('there is no legacy application'))
      return legacy.ask(question, MAX_COMPARED_BYTES, signal)
    }
  }
  /** How the legacy application does where only we answer: the parachute has nothing else to measure us by. */
  const measured = (ask: Ask) => async (signal: AbortSignal) => {
    const begunMs = performance.now()
    let failed = true
    try {
      const copy = await ask(signal)
      failed = copy.status >= FIRST_FAILURE
      return copy
    } finally {
      observer.asked(route.id, failed, performance.now() - begunMs)
    }
  }

  const byLegacy = async (request: FastifyRequest, reply: FastifyReply, compared: Look | null): Promise<void> => {
    if (passOn === null) return
    const again = compared && asking(request)
    const passed = await passOn(request, reply, compared === null ? NO_COPY : MAX_COMPARED_BYTES)
    if (passed.outcome === 'answered') {
      observer.answered(route.id, 'legacy', passed.status >= FIRST_FAILURE, passed.headMs)
      if (again) compared?.ofLegacy(legacyRequest(request), passed.copy, again)
      return
    }
    // What the client has given up, or has asked in a way that nobody takes, says nothing.
    const isFault = passed.outcome !== 'cancelled' && passed.outcome !== 'refused'
    if (isFault) observer.answered(route.id, 'legacy', true, passed.headMs)
    compared?.cancel()
  }
  const natively = async (request: FastifyRequest, reply: FastifyReply) => {
    const asked = legacyRequest(request)
    const isCanary = modes.of(route.id).mode.mode === 'canary' && isRead && passOn !== null
    const ask = isCanary ? measured(asking(request)) : null
    const begunMs = performance.now()
    let answer: LegacyAnswer
    try {
      answer = await route.answer(asked)
    } catch (error) {
      const failed = statusOf(error) >= FIRST_FAILURE
      observer.answered(route.id, 'native', failed, performance.now() - begunMs)
      // A canary's client is not to notice what we are not good at yet. What changes something may have been done.
      if (failed && isCanary) return byLegacy(request, reply, null)
      throw error
    }
    observer.answered(route.id, 'native', answer.status >= FIRST_FAILURE, performance.now() - begunMs)
    const compared = ask && look(request)
    try {
      reply.code(answer.status).headers(answer.headers)
      // Bytes: to a text Fastify would add a charset, and the legacy application says none.
      await reply.send(answer.body === undefined ? undefined : Buffer.from(JSON.stringify(answer.body)))
    } finally {
      if (ask) compared?.ofNative(asked, answer, ask)
    }
    return reply
  }
  return { look, byLegacy, natively }
}
