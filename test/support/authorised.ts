import type { FastifyInstance, InjectOptions } from 'fastify'
import { bearer } from './tokens.ts'

/** In place of a token: none is shown. */
export const NO_TOKEN = ''

/** What is injected without a word of who asks is asked with `token`. */
export function asking(app: FastifyInstance, token: string): FastifyInstance {
  const inject = app.inject.bind(app)
  const authorised = (asked: InjectOptions | string) => {
    const { headers = {}, ...rest } = typeof asked === 'string' ? { method: 'GET' as const, url: asked } : asked
    const { authorization = bearer(token), ...others } = headers
    return inject({ ...rest, headers: authorization === NO_TOKEN ? others : { ...others, authorization } })
  }
  return Object.assign(app, { inject: authorised })
}
