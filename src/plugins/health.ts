import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type ConsistencyDeps, registerConsistency } from './consistency.ts'

/** `failing` serves nothing useful; `degraded` serves, slower or without something. */
export type Check = { state: 'ok' | 'degraded' | 'failing'; why?: string }
export type HealthDeps = ConsistencyDeps & { checks(): Promise<Record<string, Check>> }

const CheckBody = z.object({ state: z.enum(['ok', 'degraded', 'failing']), why: z.string().optional() })
const Readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), CheckBody) }).meta({ id: 'Readiness' })
const Liveness = z.object({ alive: z.literal(true) }).meta({ id: 'Liveness' })

export function registerHealth(app: FastifyInstance, { checks, consistency }: HealthDeps): void {
  registerConsistency(app, { consistency })
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.get('/health/live', {
    config: { scope: null },
    schema: {
      tags: ['operation'],
      operationId: 'isAlive',
      summary: 'Is the process alive?',
      // Nothing of dependencies: restarting this process would mend none of them, and restart all replicas at once.
      description: 'Says nothing of Redis or the database.',
      response: { 200: { description: 'It is.', content: { 'application/json': { schema: Liveness } } } },
    },
    handler: async (_request, reply) => reply.type('application/json').send('{"alive":true}'),
  })
  app.get('/health/ready', {
    config: { scope: null },
    schema: {
      tags: ['operation'],
      operationId: 'isReady',
      summary: 'Should traffic come here?',
      description: 'Not ready: shutting down, or neither Redis nor the database answers.',
      response: {
        200: { description: 'Yes.', content: { 'application/json': { schema: Readiness } } },
        503: { description: 'No; `checks` says why.', content: { 'application/json': { schema: Readiness } } },
      },
    },
    handler: async (_request, reply) => {
      const states: Record<string, Check> = await checks()
      if (closing) states.process = { state: 'failing', why: 'shutting down' }
      const ready = Object.values(states).every(({ state }) => state !== 'failing')
      return reply
        .code(ready ? 200 : 503)
        .type('application/json')
        .send(JSON.stringify({ ready, checks: states }))
    },
  })
}
