import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { SCOPES } from '../../src/domain/principal.ts'
import { startService, type TestService } from '../support/service.ts'
import { type Api, apiClient, type Operation } from './client.ts'

let service: TestService
let api: Api
let ajv: Ajv2020
before(async () => {
  service = await startService({ worker: false })
  api = await apiClient(service.app)
  ajv = new Ajv2020({ strict: false })
  ajv.addFormat('date-time', true)
  ajv.addSchema(api.document, 'api')
})
after(() => service?.close())

type Schema = {
  $ref?: string | undefined
  type?: string
  enum?: unknown[]
  examples?: unknown[]
  properties?: Record<string, Schema>
  anyOf?: Schema[]
  items?: Schema
}
const operations = () =>
  Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined
    ? schema
    : {
        ...(api.document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema),
        ...schema,
        $ref: undefined,
      }

function* everyValue(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const inner of Object.values(value)) yield* everyValue(inner)
}

test('it is OpenAPI 3.1 with all it must have: every reference leads somewhere, every schema is one', () => {
  const { openapi, paths, components } = api.document
  assert.match(openapi, /^3\.1\.\d+$/)
  assert.ok(Object.keys(paths).length > 10)
  for (const { $ref } of everyValue(api.document)) {
    if (typeof $ref !== 'string') continue
    assert.match($ref, /^#\/components\/schemas\/\w+$/)
    assert.ok(components.schemas[$ref.split('/').at(-1) ?? ''], $ref)
  }
  for (const name of Object.keys(components.schemas)) {
    assert.ok(ajv.compile({ $ref: `api#/components/schemas/${name}` }), name)
    assert.ok(ajv.validateSchema(components.schemas[name] ?? {}), name)
  }
  assert.ok(!JSON.stringify(api.document).includes('x-fastify'), 'nothing of the tools that made it')
})

test('every operation has an id of its own, a summary, a tag, and the parameters that its path names', () => {
  const ids = operations().map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  const { tags } = api.document as unknown as { tags: { name: string }[] }
  for (const { path, operation } of operations()) {
    const { operationId, summary, tags: its } = operation as Operation & { tags: string[] }
    assert.ok(summary && summary.length > 5, operationId)
    assert.ok(its.length > 0 && its.every((tag) => tags.some(({ name }) => name === tag)), operationId)
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
    const described = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
    assert.deepEqual(described.map(({ name }) => name).sort(), named, operationId)
    assert.ok(described.every((parameter) => 'required' in parameter && parameter.required === true))
  }
})

test('every operation of the API says what it answers, well and ill, and refusals are problems', () => {
  for (const { path, operation } of operations()) {
    const statuses = Object.keys(operation.responses)
    assert.ok(
      statuses.some((status) => status.startsWith('2')),
      operation.operationId,
    )
    if (!path.startsWith('/v1')) continue
    for (const any of ['400', '401', '403', '405', '429', '500', '503'])
      assert.ok(statuses.includes(any), `${operation.operationId} ${any}`)
    if (operation.operationId && !/^(get|list|check)/.test(operation.operationId))
      for (const sent of ['413', '415']) assert.ok(statuses.includes(sent), `${operation.operationId} ${sent}`)
    assert.equal(
      statuses.includes('404'),
      path.includes('/{') && !isIdempotentOnNothing(operation),
      operation.operationId,
    )
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      assert.ok(description.length > 3)
      for (const { schema } of Object.values(content ?? {}))
        assert.notDeepEqual(schema, {}, `${operation.operationId} ${status} says what it holds`)
      if (Number(status) < 400) continue
      const { schema, example, ...more } = content?.['application/problem+json'] ?? assert.fail(`no problem ${status}`)
      assert.deepEqual([schema, more], [{ $ref: '#/components/schemas/Problem' }, {}])
      assert.ok(example && example.status === Number(status), `${operation.operationId} ${status} has an example`)
      assert.ok(ajv.validate({ $ref: 'api#/components/schemas/Problem' }, example), JSON.stringify(ajv.errors))
      const row = `| ${status} | \`${example.code}\` |`
      assert.ok(api.document.info.description.includes(row), `${row} stands in the table`)
    }
  }
})

/** An unknown branch is an empty roster; a role is made by defining it, and gone when removed. */
function isIdempotentOnNothing({ operationId }: Operation): boolean {
  return ['getRoster', 'defineRole', 'removeRole'].includes(operationId)
}

test('every operation of the API needs a token with one scope; what tells of the process needs none', () => {
  const { securitySchemes } = api.document.components as { securitySchemes?: Record<string, { description: string }> }
  const { token, ...others } = securitySchemes ?? {}
  assert.partialDeepStrictEqual(token, { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
  assert.deepEqual(others, {})
  for (const scope of SCOPES) assert.ok(token?.description.includes(`\`${scope}\`: `), `${scope} is explained`)
  for (const { path, operation } of operations()) {
    const { operationId, security, responses } = operation
    if (path.startsWith('/health/')) {
      assert.deepEqual([security, responses[401], responses[403]], [undefined, undefined, undefined], operationId)
      continue
    }
    const [needed, ...alternatives] = security ?? []
    assert.deepEqual([Object.keys(needed ?? {}), alternatives], [['token'], []], operationId)
    const scopes = needed?.token ?? []
    assert.ok(scopes.length === 1 && SCOPES.some((scope) => scope === scopes[0]), `${operationId}: ${scopes}`)
    for (const status of [401, 403])
      assert.ok('www-authenticate' in (responses[status]?.headers ?? {}), `${operationId} ${status}`)
  }
})

test('answers say which headers they carry', () => {
  for (const { path, operation } of operations().filter(({ path }) => path.startsWith('/v1'))) {
    for (const [status, { headers = {} }] of Object.entries(operation.responses)) {
      const wanted = [
        'x-request-id',
        ...({ 304: ['etag'], 405: ['allow'], 429: ['retry-after'], 503: ['retry-after'] }[status] ?? []),
      ]
      if (status.startsWith('2')) wanted.push('cache-control')
      for (const name of wanted) assert.ok(name in headers, `${operation.operationId} ${status} of ${path}: ${name}`)
    }
  }
})

test('what refuses before there is a request stands in the table, too', () => {
  for (const [status, code] of [
    [408, 'request-timeout'],
    [417, 'expectation-failed'],
    [431, 'headers-too-large'],
    [501, 'method-unknown'],
  ])
    assert.ok(api.document.info.description.includes(`| ${status} | \`${code}\` |`), `${code}`)
})

test('what can be tried out is filled in with what the made-up users hold', () => {
  const filled = operations().flatMap(({ operation }) =>
    (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => [one.name, one.example] as const),
  )
  const seen = new Map(filled)
  for (const [name, example] of filled) assert.equal(example, seen.get(name), name)
  assert.deepEqual(Object.fromEntries(seen), {
    userId: 1,
    username: 'zofia.wojcik',
    branchId: 'B001',
    role: 'cashier',
    permission: 'receipt.void',
    limit: 'discount-percent',
    key: 'receipt-greeting',
    neighbour: 'branches-service',
    route: 'get-user',
  })
  for (const { operation } of operations()) {
    for (const { example } of Object.values(operation.requestBody?.content ?? {}))
      assert.ok(example !== undefined, `${operation.operationId} has a body to send`)
  }
})

test('the page loads what it needs over plain HTTP under any name, and nothing from elsewhere', async () => {
  const policy = String((await service.app.inject('/docs')).headers['content-security-policy'])
  assert.match(policy, /default-src 'self'/)
  assert.doesNotMatch(policy, /upgrade-insecure-requests|https?:|\*/)
})

test('what is sent has examples, and the examples are valid', () => {
  let checked = 0
  const check = (schema: Schema, where: string): void => {
    const { examples, enum: values, properties, anyOf, items, type } = resolved(schema)
    for (const example of examples ?? []) {
      checked += 1
      const validate = ajv.compile(schema.$ref ? { $ref: `api${schema.$ref}` } : withReferences(schema))
      assert.ok(validate(example), `${where}: ${JSON.stringify(example)} ${JSON.stringify(validate.errors)}`)
    }
    if (examples || values || type === 'boolean' || type === 'null') return
    if (properties) {
      for (const [name, property] of Object.entries(properties)) check(property, `${where}/${name}`)
    } else if (items ?? anyOf) {
      for (const inner of anyOf ?? [items ?? {}]) check(inner, where)
    } else {
      assert.fail(`${where} has no example`)
    }
  }
  for (const { operation } of operations()) {
    for (const { name, in: place, schema } of operation.parameters ?? []) {
      // An opaque value that only a page gives, text that only an answer gives, and a number with bounds and a default.
      if (place === 'header' || name === 'cursor' || name === 'limit') continue
      check(schema, `${operation.operationId} ${name}`)
    }
    for (const { schema } of Object.values(operation.requestBody?.content ?? {})) check(schema, operation.operationId)
  }
  assert.ok(checked > 20)
})

/** A schema cut out of the document, its references made absolute. */
function withReferences(schema: Schema): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'))
}

test('a registration made of the examples alone is taken', async () => {
  const { properties = {} } = api.document.components.schemas.Registration as Schema
  const example = ({ examples, anyOf }: Schema) => examples?.[0] ?? anyOf?.find((one) => one.examples)?.examples?.[0]
  const body = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, example(property)]))
  assert.equal((await api.post('/v1/users', body)).statusCode, 201)
})

test('every code of the domain stands in it, with a status that some operation documents', async () => {
  const source = await readFile(new URL('../../src/domain/errors.ts', import.meta.url), 'utf8')
  const codes = [...source.matchAll(/^ {2}\| '([a-z-]+)'$/gm)].map(([, code]) => code)
  assert.ok(codes.length > 15)
  const documented = new Set(operations().flatMap(({ operation }) => Object.keys(operation.responses)))
  for (const code of codes) {
    const row = new RegExp(`^\\| (\\d{3}) \\| \`${code}\` \\|$`, 'm').exec(api.document.info.description)
    assert.ok(row?.[1], `${code} is not in the document`)
    assert.ok(documented.has(row[1]), `no operation documents ${row[1]} for ${code}`)
  }
})

test('the page that shows it comes with all that it needs, from here', async () => {
  const page = await service.app.inject('/docs')
  assert.equal(page.statusCode, 200)
  assert.match(String(page.headers['content-type']), /^text\/html/)
  const needed = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '')
  assert.ok(needed.length > 3)
  for (const url of needed) {
    assert.ok(url.startsWith('/docs/'), url)
    assert.equal((await service.app.inject(url)).statusCode, 200, url)
  }
})
