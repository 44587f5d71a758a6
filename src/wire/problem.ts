import { z } from 'zod'

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

/** `problems(400, 404)`: the error answers of a route for its OpenAPI description. */
export function problems(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: DESCRIPTIONS[status] ?? 'Error', content: { [PROBLEM_JSON]: { schema: Problem } } },
    ]),
  )
}

const DESCRIPTIONS: Record<number, string> = {
  400: 'The request is at fault; `errors` says where.',
  404: 'There is no such thing.',
  405: 'The path exists, but not with this method; see `Allow`.',
  409: 'A rule forbids it.',
  412: 'If-Match does not name the current version.',
  413: 'The body is too large.',
  415: 'The body has a media type that is not taken here.',
  422: 'Each part is well-formed, and together they make no sense.',
  500: 'A fault of this service.',
  503: 'Not now; try again after `Retry-After` seconds.',
}
