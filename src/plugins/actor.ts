import type { FastifyInstance } from 'fastify'
import type { Actor } from '../ports.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking, for the audit. */
    readonly actor: Actor
  }
}

/** Until there is authentication everybody is `local`. */
const NAME = 'local'

export function registerActor(app: FastifyInstance): void {
  app.decorateRequest('actor', {
    getter() {
      return { name: NAME, requestId: this.id, address: this.ip }
    },
  })
}
