import type { Problem } from './problem.ts'

type Example = Pick<Problem, 'status' | 'code' | 'detail' | 'errors'>

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** A request that breaks a schema: where it does, and what the schema says. */
export function fault(place: 'body' | 'query' | 'path', pointer: string, detail: string): Example {
  const errors = [{ in: place, pointer, detail }]
  return { status: 400, code: 'invalid-request', detail: 'The request is at fault; see errors.', errors }
}

const refusal = (status: number, code: string, detail: string, errors?: Example['errors']): Example => ({
  status,
  code,
  detail,
  ...(errors ? { errors } : {}),
})

/** What a status is shown with where a route names nothing truer for itself. */
const USUAL: Record<number, Example> = {
  400: fault('path', '/userId', 'must be an integer, 1 to 9007199254740991'),
  401: refusal(401, 'token-missing', 'Show who you are: Authorization: Bearer …'),
  403: refusal(403, 'missing-scope', 'This needs the scope users:read.'),
  404: refusal(404, 'user-not-found', 'There is no user 999999.'),
  405: refusal(405, 'method-not-allowed', 'This path takes GET, HEAD.'),
  409: refusal(409, 'user-terminated', 'A terminated user cannot be changed.'),
  412: refusal(412, 'version-conflict', 'The user is at version 7.'),
  413: refusal(413, 'body-too-large', 'The body is too large.'),
  415: refusal(415, 'unsupported-media-type', 'The body’s media type is not taken here.'),
  429: refusal(429, 'too-many-requests', 'Too many requests; there are more in 30 seconds.'),
  500: refusal(500, 'internal-error', 'Something went wrong here; the request id helps to find it.'),
  503: refusal(503, 'database-unavailable', 'The database cannot be read or written at present.'),
}

const at = (place: 'body' | 'query' | 'path', pointer: string, detail: string): Example['errors'] => [
  { in: place, pointer, detail },
]
const USERNAME_TAKEN = 'The username "zofia.wojcik" is taken.'
const BRANCH_IS_HOME = 'Make another branch the home branch first.'
const ROLE_IN_USE = 'Role "cashier" is still held by somebody.'
const OUT_OF_RANGE = 'discount-percent must be a whole number of percent, 0 to 100.'
const IDS_ALONE = 'ids takes no other filter beside it.'
const NOT_TWICE = 'PATCH:/users/:id changes something: it is never done twice.'
const TWICE = 'A role names each permission once.'

/** What single routes are shown with. */
export const TRUER = {
  username: refusal(404, 'user-not-found', 'There is no user with this username.'),
  role: refusal(404, 'role-not-found', 'There is no role "none".'),
  neighbour: refusal(404, 'neighbour-not-found', 'There is no neighbour "none".'),
  route: refusal(404, 'route-not-found', 'There is no route "none".'),
  notTwice: refusal(422, 'mode-not-allowed', NOT_TWICE, at('body', '/mode', NOT_TWICE)),
  taken: refusal(409, 'username-taken', USERNAME_TAKEN, at('body', '/username', USERNAME_TAKEN)),
  home: refusal(409, 'branch-is-home', BRANCH_IS_HOME, at('path', '/branchId', BRANCH_IS_HOME)),
  inUse: refusal(409, 'role-in-use', ROLE_IN_USE, at('path', '/role', ROLE_IN_USE)),
  tooManyRoles: refusal(409, 'too-many', 'The catalogue holds at most 500 roles.'),
  tooOld: refusal(412, 'version-unknown', 'The user is at version 7, which is before Min-Version.'),
  catalogue: refusal(412, 'version-conflict', 'The catalogue is at version 7.'),
  outOfRange: refusal(422, 'limit-out-of-range', OUT_OF_RANGE, at('body', '/value', OUT_OF_RANGE)),
  keyInUse: refusal(
    409,
    'idempotency-key-in-use',
    'A request with this Idempotency-Key is still being carried out; try again.',
  ),
  keyReused: refusal(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.'),
  idsAlone: refusal(422, 'ids-stand-alone', IDS_ALONE, at('query', '/ids', IDS_ALONE)),
  twice: refusal(422, 'permission-twice', TWICE, at('body', '/permissions', TWICE)),
  routeId: fault('path', '/route', 'must be 1 to 32 lower-case letters, digits or hyphens, a letter first'),
  neighbourName: fault('path', '/neighbour', 'must be 1 to 32 lower-case letters, digits or hyphens'),
  roleName: fault('path', '/role', 'must be 1 to 32 letters, digits, dots, underscores or hyphens'),
} satisfies Record<string, Example>

/** A problem document as this refusal gives it. */
export function exampleOf(refused: number | Example): { status: number; example: Problem } {
  const { status, code, detail, errors } = typeof refused === 'number' ? usual(refused) : refused
  const title = TITLES[status] ?? 'Error'
  const type = `urn:users-service:problem:${code}`
  const requestId = '1f1e0b55-3bcf-47d0-928d-af6fd5430b0a'
  return { status, example: { type, title, status, code, detail, requestId, ...(errors ? { errors } : {}) } }
}

function usual(status: number): Example {
  const example = USUAL[status]
  if (!example) throw new RangeError(`no example of ${status}`)
  return example
}

export type { Example as ProblemExample }
