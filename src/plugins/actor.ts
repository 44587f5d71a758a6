import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authorityOf } from '../domain/authority.ts'
import type { Actor } from '../ports.ts'
import { addressOf } from './address.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking, for the audit. */
    readonly actor: Actor
  }
}

/** Of somebody who has not had to say who they are: may do nothing. */
const NOBODY = { name: 'anonymous', client: null, authority: { branches: [], userId: null, readsUsers: false } }

export function registerActor(app: FastifyInstance): void {
  app.decorateRequest('actor', {
    getter() {
      const where = { requestId: this.id, address: addressOf(this) }
      const { principal } = this
      if (principal === null) return { ...NOBODY, ...where }
      return { name: principal.subject, client: principal.client, authority: authorityOf(principal), ...where }
    },
  })
}

/** For whoever looks into who has tried what. The subject is the token's, of plain characters, and of no unverified one. */
export function whoWas(request: FastifyRequest) {
  const { id: requestId, method, routeOptions, principal } = request
  return {
    requestId,
    address: addressOf(request),
    method,
    route: routeOptions.url,
    subject: principal?.subject ?? null,
  }
}
