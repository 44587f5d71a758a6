import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { fastifyZodOpenApiPlugin, fastifyZodOpenApiTransformers } from 'fastify-zod-openapi'
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
    transformObject: (given) => withOptionalBodies(fastifyZodOpenApiTransformers.transformObject(given)),
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', deepLinking: true, tryItOutEnabled: true, displayRequestDuration: true },
    staticCSP: true,
  })
}

const OPTIONAL = 'x-fastify-zod-openapi-optional'

/** @fastify/swagger calls every body required; the transformer marks those that are not. */
function withOptionalBodies<Document extends object>(document: Document): Document {
  const { paths = {} } = document as { paths?: Record<string, Record<string, { requestBody?: RequestBody }>> }
  for (const { requestBody } of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    for (const { schema } of Object.values(requestBody?.content ?? {})) {
      if (requestBody && schema[OPTIONAL] === true) requestBody.required = false
      delete schema[OPTIONAL]
    }
  }
  return document
}
type RequestBody = { required?: boolean; content: Record<string, { schema: Record<string, unknown> }> }
