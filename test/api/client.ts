import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'

import type { Problem } from '../../src/wire/problem.ts'

export type Method = NonNullable<InjectOptions['method']>
/** `body` is sent as JSON; `raw` as it is, as JSON too unless a header says otherwise. */
export type Ask = {
  method: Method
  url: string
  headers?: Record<string, string | string[]>
  body?: unknown
  raw?: string | Buffer
}
export type Answer = LightMyRequestResponse
/** Every read of one user, as paths. */
export const readsOf = (path: string, username: string): string[] => [
  path,
  `/v1/users/by-username/${username}`,
  `${path}/permissions`,
  `${path}/permissions/receipt.void`,
]
export type Operation = {
  operationId: string
  summary?: string
  parameters?: { name: string; in: string; schema: object; example?: unknown }[]
  requestBody?: { content: Record<string, { schema: object; example?: unknown }> }
  security?: Record<string, string[]>[]
  responses: Record<
    string,
    {
      description: string
      headers?: Record<string, object>
      content?: Record<string, { schema: object; example?: Problem }>
    }
  >
}
export type OpenApi = {
  openapi: string
  info: { description: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}
export type Api = {
  document: OpenApi
  ask(ask: Ask): Promise<Answer>
  get(url: string, headers?: Ask['headers']): Promise<Answer>
  put(url: string, body?: unknown, headers?: Ask['headers']): Promise<Answer>
  post(url: string, body?: unknown, headers?: Ask['headers']): Promise<Answer>
  patch(url: string, body?: unknown, headers?: Ask['headers']): Promise<Answer>
  del(url: string, headers?: Ask['headers']): Promise<Answer>
  /** Registers a user with a username that nobody has; answers the id. */
  somebody(details?: Record<string, unknown>): Promise<number>
  /** Defines a role with these permissions, `allow` each unless `approve:` stands before it. */
  role(name: string, ...permissions: string[]): Promise<void>
}

/** Answers that no operation need document: they are given before one is found, or by the server for any of them. */
const EVERYWHERE = [404, 405, 414, 431]
/** They say when they are there. */
const OPTIONAL_HEADERS = ['ratelimit', 'ratelimit-policy', 'read-age', 'read-stale', 'visibility']
const MEMBERS = ['type', 'title', 'status', 'code', 'detail', 'requestId', 'errors']
/** What only the inside knows: stack frames, statements, modules, drivers. */
const INSIDE =
  /\n\s+at |node_modules|\.ts[:"]|\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA) [a-z*]|sqlite|ioredis|redis\.call|FST_ERR|Zod/i

/**
 * Asks the application without a socket. Every answer, whatever a test wants of it, must be what the OpenAPI document says
 * of the operation, and every refusal a problem document that tells nothing of the inside.
 */
export async function apiClient(app: FastifyInstance): Promise<Api> {
  const document: OpenApi = (await app.inject('/docs/json')).json()
  const check = answerCheck(document)
  const ask = async ({ method, url, headers = {}, body, raw }: Ask) => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const typed = payload === undefined ? headers : { 'content-type': 'application/json', ...headers }
    const answer = await app.inject({ method, url, headers: typed, ...(payload === undefined ? {} : { payload }) })
    check({ method, url }, answer)
    return answer
  }
  const sending =
    (method: Method) =>
    (url: string, body?: unknown, headers: Ask['headers'] = {}) =>
      ask({ method, url, body, headers })
  const post = sending('POST')
  const put = sending('PUT')
  let people = 0
  return {
    document,
    ask,
    get: (url, headers = {}) => ask({ method: 'GET', url, headers }),
    put,
    post,
    patch: sending('PATCH'),
    del: (url, headers = {}) => ask({ method: 'DELETE', url, headers }),
    async somebody(details = {}) {
      people += 1
      const body = { username: `user.${people}`, givenName: 'Zofia', familyName: 'Wójcik', ...details }
      const answer = await post('/v1/users', body)
      assert.equal(answer.statusCode, 201, answer.body)
      return answer.json().userId
    },
    async role(name, ...permissions) {
      const named = permissions.map((text) =>
        text.startsWith('approve:')
          ? { permission: text.slice('approve:'.length), effect: 'approve' }
          : { permission: text, effect: 'allow' },
      )
      const answer = await put(`/v1/roles/${name}`, { title: name, privileged: false, permissions: named })
      assert.equal(answer.statusCode, 200, answer.body)
    },
  }
}

/** The operation that a request is for, with its path as the document writes it. */
export function operationOf(document: OpenApi, { method, url }: Pick<Ask, 'method' | 'url'>) {
  const path = url.split('?')[0] ?? ''
  // A path without parameters comes before one with them: by-username is no user id.
  const templates = Object.keys(document.paths).sort((a, b) => count(a, '{') - count(b, '{') || b.length - a.length)
  const template = templates.find((one) => new RegExp(`^${one.replace(/\{[^}]+\}/g, '[^/]*')}$`).test(path))
  const operation = document.paths[template ?? '']?.[method.toLowerCase()]
  return template && operation ? { template, operation } : undefined
}

function answerCheck(document: OpenApi) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/)
  ajv.addSchema(document, 'api')
  const valid = (pointer: string[], value: unknown) => {
    const $ref = `api#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
    const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref })
    assert.ok(validate(value), `${JSON.stringify(validate.errors)} in ${JSON.stringify(value).slice(0, 500)}`)
  }
  return (asked: Pick<Ask, 'method' | 'url'>, answer: Answer) => {
    const about = `${asked.method} ${asked.url.slice(0, 200)} → ${answer.statusCode} ${answer.body.slice(0, 300)}`
    assert.match(String(answer.headers['x-request-id']), /^[A-Za-z0-9._-]{1,64}$/, about)
    assert.ok(answer.statusCode < 500 || answer.statusCode === 503, about)
    if (answer.statusCode >= 400 && !asked.url.startsWith('/health')) checkProblem(answer, about)
    const found = operationOf(document, asked)
    if (!found) return
    const { template, operation } = found
    const documented = operation.responses[answer.statusCode]
    for (const name of Object.keys(documented?.headers ?? {}))
      assert.ok(name in answer.headers || OPTIONAL_HEADERS.includes(name), `without the header ${name}: ${about}`)
    if (!documented) return assert.ok(EVERYWHERE.includes(answer.statusCode), `not documented: ${about}`)
    const type = String(answer.headers['content-type']).split(';')[0] ?? ''
    if (!documented.content) return assert.equal(answer.body, '', about)
    assert.ok(documented.content[type], `media type ${type} is not documented: ${about}`)
    const method = asked.method.toLowerCase()
    valid(['paths', template, method, 'responses', String(answer.statusCode), 'content', type, 'schema'], answer.json())
  }
}

function checkProblem(answer: Answer, about: string): void {
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8', about)
  const problem = answer.json()
  assert.deepEqual(
    Object.keys(problem).filter((member) => !MEMBERS.includes(member)),
    [],
    about,
  )
  assert.equal(problem.status, answer.statusCode, about)
  assert.equal(problem.type, `urn:users-service:problem:${problem.code}`, about)
  assert.equal(problem.requestId, answer.headers['x-request-id'], about)
  assert.ok(problem.title.length > 0 && problem.detail.length > 0, about)
  assert.doesNotMatch(answer.body, INSIDE, about)
  if (answer.statusCode === 503) assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/, about)
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}
