import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { fastifyZodOpenApiPlugin, fastifyZodOpenApiTransformers } from 'fastify-zod-openapi'
import { SCOPE_MEANINGS, SCOPES } from '../domain/principal.ts'
import { finished } from './document.ts'
import { problemCodes } from './errors.ts'

const DESCRIPTION = `Who is this user, where do they work, and what may they do?

Errors are problem documents (RFC 9457) with a stable \`code\`. Reads carry an \`ETag\` and answer \`If-None-Match\`; commands
take \`If-Match\` and answer the version that they made. \`Read-From\` says where an answer was read.

| status | code |
|---|---|
${problemCodes()
  .map(([code, status]) => `| ${status} | \`${code}\` |`)
  .join('\n')}
`

/** RFC 6750 and RFC 9068. What each route needs stands with it. */
const TOKEN = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: SCOPES.map((scope) => `- \`${scope}\`: ${SCOPE_MEANINGS[scope]}`).join('\n'),
} as const

/**
 * What the page may load: itself alone. Not helmet's own policy, which sends browsers to https for everything but localhost,
 * nor the page's, which also blocks the styles that it sets on its elements.
 */
const CSP = {
  'default-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
  'script-src-attr': ["'none'"],
  'style-src': ["'self'", "'unsafe-inline'"],
}

/** The OpenAPI document at /docs/json, made from the schemas that check the requests, and a page to try it at /docs. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(fastifyZodOpenApiPlugin)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Users service', version: '1', description: DESCRIPTION },
      servers: [{ url: '/', description: 'This server.' }],
      components: { securitySchemes: { token: TOKEN } },
      tags: [
        { name: 'queries', description: 'Questions about users.' },
        { name: 'commands', description: 'Changes of users.' },
        { name: 'roles', description: 'The role catalogue.' },
        { name: 'operation', description: 'For those who run it.' },
      ],
    },
    ...fastifyZodOpenApiTransformers,
    transformObject: (given) => finished(fastifyZodOpenApiTransformers.transformObject(given)),
  })
  await app.register(async (pages) => {
    await pages.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: CSP },
      xFrameOptions: { action: 'deny' },
      // It means nothing but over TLS (RFC 6797 section 7.2), which ends before us: whoever ends it says it for the host.
      strictTransportSecurity: false,
    })
    pages.addHook('onRequest', documentMadeOnce(app))
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true },
    })
  })
}

/** 300 KB, and anybody may ask for it: put into text once, and not for each. */
function documentMadeOnce(app: FastifyInstance): onRequestAsyncHookHandler {
  const formats: Record<string, { type: string; make(): string; bytes: Buffer | null }> = {
    '/docs/json': { type: 'application/json; charset=utf-8', make: () => JSON.stringify(app.swagger()), bytes: null },
    '/docs/yaml': { type: 'application/x-yaml', make: () => app.swagger({ yaml: true }), bytes: null },
  }
  return async (request, reply) => {
    const format = formats[request.routeOptions.url ?? '']
    if (format === undefined) return
    format.bytes ??= Buffer.from(format.make())
    return reply.type(format.type).send(format.bytes)
  }
}
