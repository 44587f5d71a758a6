import { z } from 'zod'
import { exampleOf, type ProblemExample } from './problem-examples.ts'

/** RFC 9457. `code` is stable; `detail` is for people and may change. */
export const Problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'A URN made of the code.', examples: ['urn:users-service:problem:user-not-found'] }),
    title: z.string().meta({ examples: ['Not Found'] }),
    status: z.int().min(400).max(599),
    code: z.string().meta({ description: 'Stable, for programs.', examples: ['user-not-found'] }),
    detail: z.string(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().meta({ description: 'JSON Pointer (RFC 6901) to the fault.', examples: ['/email'] }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Where the request is at fault.' }),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457).' })
export type Problem = z.infer<typeof Problem>
export const PROBLEM_JSON = 'application/problem+json'

/** A refusal of a request as such: no rule of the domain knows of it. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly errors: Problem['errors']

  constructor(status: number, code: string, detail: string, errors?: Problem['errors']) {
    super(detail)
    this.name = 'Refusal'
    this.status = status
    this.code = code
    this.errors = errors
  }
}

const MAX_SHOWN_NAME = 64

/** A JSON Pointer (RFC 6901). Names come from requests: shortened, and always well-formed. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${shown(String(name))}`).join('')
}

function shown(name: string): string {
  return name.slice(0, MAX_SHOWN_NAME).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')
}

/** On every answer; described as plain JSON Schema, which @fastify/swagger wraps in a `schema` of its own. */
export const REQUEST_ID = {
  'x-request-id': {
    type: 'string',
    description: 'The caller’s own when it was sane, else a new one; also in the logs.',
  },
}
const HEADERS: Record<number, object> = {
  401: { 'www-authenticate': { type: 'string', description: 'How to show who one is: `Bearer`.' } },
  403: { 'www-authenticate': { type: 'string', description: 'Which scope is needed, if one is.' } },
  405: { allow: { type: 'string', description: 'The methods that this path takes.' } },
  429: { 'retry-after': { type: 'integer', description: 'Seconds after which there are more.' } },
  503: { 'retry-after': { type: 'integer', description: 'Seconds after which it is worth another try.' } },
}
/** Any operation may meet these. */
const ALWAYS = [405, 500]

/**
 * `problems(400, TRUER.role)`: the error answers of a route for its OpenAPI description, each with an example that is
 * true of the route.
 */
export function problems(...refused: (number | ProblemExample)[]) {
  return Object.fromEntries(
    [...refused, ...ALWAYS].map(exampleOf).map(({ status, example }) => [
      status,
      {
        description: DESCRIPTIONS[status] ?? 'Error',
        headers: { ...REQUEST_ID, ...HEADERS[status] },
        content: { [PROBLEM_JSON]: { schema: Problem, example } },
      },
    ]),
  )
}

const DESCRIPTIONS: Record<number, string> = {
  400: 'The request is at fault; `errors` says where.',
  401: 'No token was shown, or none that holds.',
  403: 'The token does not allow it.',
  404: 'There is no such thing.',
  405: 'The path exists, but not with this method; see `Allow`.',
  409: 'A rule forbids it.',
  412: 'If-Match does not name the current version; or what is known is older than Min-Version.',
  413: 'The body is too large.',
  415: 'The body has a media type that is not taken here.',
  429: 'Too many requests; try again after `Retry-After` seconds.',
  422: 'Each part is well-formed, and together they make no sense.',
  500: 'A fault of this service.',
  503: 'Not now; try again after `Retry-After` seconds.',
}
