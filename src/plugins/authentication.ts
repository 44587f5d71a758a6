import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { DomainError } from '../domain/errors.ts'
import { type Principal, SCOPES, type Scope } from '../domain/principal.ts'
import type { Authenticator, ProxiedIdentity } from '../ports/authentication.ts'
import { type Load, loadOf, type RateLimits, type Standing } from '../ports/rate-limits.ts'
import { problems } from '../wire/problem.ts'
import { rateLimitHead, withRateLimit } from '../wire/rate-limit.ts'
import { addressOf } from './address.ts'

export type AccessDeps = { authenticator: Authenticator; identity: ProxiedIdentity | null; limits: RateLimits }

declare module 'fastify' {
  interface FastifyRequest {
    /** Null: nobody has had to say who they are. */
    principal: Principal | null
    /** Of who may see, and set, what is personal: users:pii. */
    readonly seesPersonal: boolean
    /** Finds out who asks, and counts it. Throws why they may not. */
    admit(reply: FastifyReply, needed: readonly Scope[], load: Load): Promise<void>
  }
  interface FastifyContextConfig {
    /** What callers need; null: nobody has to say who they are. A route that says nothing does not start. */
    scope?: Scope | null
    /** What it is counted with; absent: by its method. */
    load?: Load
    /** Which fields of a body are personal, as JSON Pointers (RFC 6901): who may not see them may not set them. */
    personal?: (body: never) => string[]
  }
}

/** Pages that describe the API; nobody's data stands there. */
const OPEN_PAGES = /^\/docs(\/|$)/
const REALM = 'Bearer realm="users-service"'

/** Every route says what it takes to use it; who shows less is refused before anything is read, looked up or parsed. */
export function registerAuthentication(app: FastifyInstance, deps: AccessDeps): void {
  app.decorateRequest('principal', null)
  app.decorateRequest('seesPersonal', {
    getter() {
      return this.principal?.scopes.has('users:pii') === true
    },
  })
  const admit = admission(deps)
  app.decorateRequest('admit', function (this: FastifyRequest, reply, needed, load) {
    return admit(this, reply, needed, load)
  })
  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { scope, load } = request.routeOptions.config
    if (scope) await admit(request, reply, [scope], loadOf(request.method, load))
  }
  app.addHook('onRoute', (route) => {
    const { scope, personal } = route.config ?? {}
    if (scope === null || OPEN_PAGES.test(route.url)) return
    if (scope === undefined || !SCOPES.includes(scope)) {
      throw new Error(`${String(route.method)} ${route.url} says no scope: config.scope names one, or is null`)
    }
    const before = [route.onRequest ?? []].flat()
    // That of HEAD is made of that of GET.
    if (!before.includes(check)) route.onRequest = [check, ...before]
    if (personal !== undefined) route.preHandler = [mayNotSet(personal), ...[route.preHandler ?? []].flat()]
    describe(route, scope)
  })
}

function admission({ authenticator, identity, limits }: AccessDeps) {
  const identify = identification({ authenticator, identity, limits })
  return async (request: FastifyRequest, reply: FastifyReply, needed: readonly Scope[], load: Load): Promise<void> => {
    const principal = await identify(request, reply)
    request.principal = principal
    const missing = needed.find((scope) => !principal.scopes.has(scope))
    if (missing !== undefined) {
      // As a read, whatever was asked for: to count a command costs more than to refuse it.
      tellOf(reply, 'read', limits.here('read', principal))
      throw withoutScope(reply, missing)
    }
    const standing = load === 'write' ? await limits.shared(load, principal) : limits.here(load, principal)
    tellOf(reply, load, standing)
  }
}

function identification({ authenticator, identity, limits }: AccessDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<Principal> => {
    const { headers, raw } = request
    const { authorization } = headers
    const isOne = timesIn(raw.rawHeaders, 'authorization') < 2
    const seen = authorization !== undefined && isOne ? authenticator.seen(authorization) : undefined
    if (seen) return seen
    const proxied = authorization === undefined ? proxiedBy(identity, headers, raw) : undefined
    if (proxied) return proxied
    const address = addressOf(request)
    // Whoever shows one bad token after another is not given a signature's work for each.
    refuseIfOver(reply, limits.refused(address, false))
    if (authorization === undefined) {
      limits.refused(address, true)
      reply.header('www-authenticate', REALM)
      throw new DomainError('token-missing', 'Show who you are: Authorization: Bearer …')
    }
    try {
      if (!isOne) throw new DomainError('token-invalid', 'Show one token, in one Authorization header.')
      return await authenticator.authenticate(authorization)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'token-invalid') {
        limits.refused(address, true)
        reply.header('www-authenticate', `${REALM}, error="invalid_token", error_description="${error.message}"`)
      }
      throw error
    }
  }
}

function proxiedBy(
  identity: ProxiedIdentity | null,
  headers: FastifyRequest['headers'],
  { socket, rawHeaders }: FastifyRequest['raw'],
): Principal | undefined {
  if (!identity?.isFrom(socket.remoteAddress ?? '')) return undefined
  const value = timesIn(rawHeaders, identity.header) === 1 ? headers[identity.header] : undefined
  return typeof value === 'string' ? identity.principal(value) : undefined
}

/**
 * How often a header came. Node shows the first Authorization, and joins others: what stands before us may have believed
 * another one, and who sends a header that a proxy is to set may have it join theirs with its own.
 */
function timesIn(rawHeaders: string[], name: string): number {
  let times = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === name.length && rawHeaders[i]?.toLowerCase() === name) times += 1
  }
  return times
}

/** RFC 6750 section 3.1. */
function withoutScope(reply: FastifyReply, scope: Scope, field?: string): DomainError {
  reply.header('www-authenticate', `${REALM}, error="insufficient_scope", scope="${scope}"`)
  return new DomainError('missing-scope', `This needs the scope ${scope}.`, field)
}

/** `standing` null: there is no limit. */
function tellOf(reply: FastifyReply, load: Load, standing: Standing | null): void {
  if (standing === null) return
  const head = rateLimitHead(load, standing)
  for (let i = 0; i < head.length; i += 2) reply.header(head[i] ?? '', head[i + 1])
  refuseIfOver(reply, standing)
}

function refuseIfOver(reply: FastifyReply, standing: Standing | null): void {
  if (standing === null || standing.allowed) return
  reply.header('retry-after', String(Math.max(1, standing.resetS)))
  throw new DomainError('too-many-requests', `Too many requests; there are more in ${standing.resetS} seconds.`)
}

/** By what is asked for, not by what would change: else an answer would tell whether a guess was right. */
function mayNotSet(personal: (body: never) => string[]) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const [field] = request.seesPersonal ? [] : personal(request.body as never)
    if (field !== undefined) throw withoutScope(reply, 'users:pii', field)
  }
}

/** What holds of every route that needs a scope stands in the document without the route's saying so. */
function describe(route: RouteOptions, scope: Scope): void {
  const { schema } = route
  if (!schema || schema.hide) return
  schema.security = [{ token: [scope] }]
  schema.response = withRateLimit({ ...problems(401, 403, 429, 503), ...(schema.response as object) })
}
