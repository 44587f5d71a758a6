import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import { validatorCompiler } from 'fastify-zod-openapi'
import { z } from 'zod'
import { JSON_NULL } from './request-bodies.ts'

const NO_QUERY = z.strictObject({})

/** A route of the API that declares no query takes none: what is misspelt or misplaced is named, never ignored. */
export function refuseUndeclaredQueries(app: FastifyInstance): void {
  app.addHook('onRoute', ({ url, schema }) => {
    if (url.startsWith('/v1/') && schema && !schema.hide) schema.querystring ??= NO_QUERY
  })
}

/** Of the headers that reads take, the one that has no form: it is any text, and described for the document. */
const WITHOUT_FORM = 'if-none-match'
/** Refused by reads that cannot keep it (wire/min-version.ts), so that it is looked for also where it is not declared. */
const CHECKED_EVERYWHERE = 'min-version'

/** Checking copies all headers, so that it is done only where there is something to check. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> = (route) => {
  const validate = validatorCompiler(route)
  if (route.httpPart === 'headers' && route.method === 'GET') {
    const declared = route.schema instanceof z.ZodObject ? Object.keys(route.schema.shape) : []
    const checked = [...new Set([CHECKED_EVERYWHERE, ...declared])].filter((name) => name !== WITHOUT_FORM)
    return (headers) => !checked.some((name) => name in headers) || validate(headers)
  }
  if (route.httpPart === 'querystring' && route.schema === NO_QUERY) {
    return (query) => {
      for (const _ in query) return validate(query)
      return true
    }
  }
  if (route.httpPart !== 'body') return validate
  return (body) => validate(body === JSON_NULL ? null : (body ?? undefined))
}
