import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { fastifyZodOpenApiPlugin, fastifyZodOpenApiTransformers } from 'fastify-zod-openapi'
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

/**
 * What the page may load: itself alone. Not the plugin's own policy, which sends browsers to https for everything but
 * localhost, and blocks the styles that the page sets on its elements.
 */
const CSP = {
  'default-src': "'self'",
  'base-uri': "'self'",
  'frame-ancestors': "'self'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'script-src-attr': "'none'",
  'style-src': "'self' 'unsafe-inline'",
}

/** The OpenAPI document at /docs/json, made from the schemas that check the requests, and a page to try it at /docs. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(fastifyZodOpenApiPlugin)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Users service', version: '1', description: DESCRIPTION },
      servers: [{ url: '/', description: 'This server.' }],
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
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true },
    staticCSP: CSP,
  })
}
