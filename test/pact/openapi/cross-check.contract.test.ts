// What consumers write into their contracts and what the OpenAPI document promises them are one: neither says what the
// other does not know.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { messageSchemas } from '../../../scripts/event-contracts.ts'
import type { OpenApi } from '../../api/client.ts'
import { CONTRACTS, SERVICE } from '../kept.ts'
import { crossChecker, type Interaction } from './cross-check.ts'

type Message = { type: string; description: string; contents: { content: object } }

const FOLDER = join(CONTRACTS, 'consumers')
const contractIn = (...path: string[]): (Interaction & Message)[] =>
  JSON.parse(readFileSync(join(CONTRACTS, ...path), 'utf8')).interactions
const all = readdirSync(FOLDER).flatMap((file) => contractIn('consumers', file))
const interactions = all.filter(({ type }) => type === 'Synchronous/HTTP')
const messages = all.filter(({ type }) => type === 'Asynchronous/Messages')
const document: OpenApi = JSON.parse(readFileSync(join(CONTRACTS, 'openapi.json'), 'utf8'))
const check = crossChecker(document)

for (const interaction of interactions) {
  test(`${interaction.description}: as the OpenAPI document has it`, () => assert.deepEqual(check(interaction), []))
}

const named = (description: string): Interaction =>
  structuredClone(interactions.find((one) => one.description === description) ?? assert.fail(description))

type Case = [what: string, of: string, change: (interaction: Interaction) => void, fault: string]
const READ = 'a question for a user by number'
const REGISTRATION = 'a registration'
const LIST = 'a question for who works at a branch'
const FAULTS: Case[] = [
  [
    'another path',
    READ,
    ({ request }) => Object.assign(request, { path: '/v1/people/42' }),
    'there is no GET /v1/people/42',
  ],
  ['another method', READ, ({ request }) => Object.assign(request, { method: 'PUT' }), 'there is no PUT /v1/users/42'],
  [
    'a number that is none',
    READ,
    ({ request }) => Object.assign(request, { path: '/v1/users/ann' }),
    'userId in its path is not to be ann',
  ],
  [
    'a parameter that it has not',
    LIST,
    ({ request }) => Object.assign(request, { query: { shoe: ['42'] } }),
    'it has no parameter shoe in its query',
  ],
  [
    'a parameter out of bounds',
    LIST,
    ({ request }) => Object.assign(request, { query: { limit: ['0'] } }),
    'limit in its query is not to be 0',
  ],
  [
    'a header of the question that it does not know',
    READ,
    ({ request }) => Object.assign(request.headers ?? {}, { 'X-Shoe': ['42'] }),
    'it has no parameter x-shoe in its header',
  ],
  [
    'a header that another operation knows',
    LIST,
    ({ request }) => Object.assign(request.headers ?? {}, { 'If-Match': ['"1"'] }),
    'it has no parameter if-match in its header',
  ],
  [
    'a header that is too long',
    REGISTRATION,
    ({ request }) => Object.assign(request.headers ?? {}, { 'Idempotency-Key': ['k'.repeat(10_000)] }),
    `idempotency-key in its header is not to be ${'k'.repeat(10_000)}`,
  ],
  [
    'a field that no answer has',
    READ,
    ({ response }) => Object.assign(content(response.body), { shoeSize: 42 }),
    '/ must NOT have additional properties: shoeSize',
  ],
  [
    'a field of another type',
    READ,
    ({ response }) => Object.assign(content(response.body), { version: '5' }),
    '/version must be integer',
  ],
  [
    'a status that it never has',
    READ,
    ({ response }) => Object.assign(response, { status: 202 }),
    '202 is no answer of it',
  ],
  [
    'a header that it never has',
    READ,
    ({ response }) => Object.assign(response.headers ?? {}, { 'X-Shoe': ['42'] }),
    'its answer has no header X-Shoe',
  ],
  [
    'a media type that it never has',
    READ,
    ({ response }) => Object.assign(response.headers ?? {}, { 'Content-Type': ['text/xml'] }),
    'text/xml is no media type of it',
  ],
  [
    'a scope that is not enough',
    READ,
    ({ providerStates = [] }) => Object.assign(providerStates[0] ?? {}, { params: { scopes: ['operate'] } }),
    'it needs the scope users:read',
  ],
  [
    'a body that lacks a field',
    REGISTRATION,
    ({ request }) => delete content(request.body).givenName,
    "/ must have required property 'givenName'",
  ],
  ['no body where one is needed', REGISTRATION, ({ request }) => delete request.body, 'it needs a body'],
]
const content = (body: Interaction['request']['body']) => (body?.content ?? {}) as Record<string, unknown>

for (const [what, of, change, fault] of FAULTS) {
  test(`${what} is found`, () => {
    const interaction = named(of)
    change(interaction)
    assert.ok(check(interaction).includes(fault), JSON.stringify(check(interaction)))
  })
}

test('headers that any question may show are no parameters, in capitals or not', () => {
  const interaction = named(READ)
  Object.assign(interaction.request.headers ?? {}, {
    ACCEPT: ['*/*'],
    'X-Request-Id': ['0f6e'],
    'If-None-Match': ['"1"'],
  })
  assert.deepEqual(check(interaction), [])
})

const ajv = new Ajv2020.default({ strict: false, allErrors: true })
addFormats.default(ajv)
/** By the end of a message's description, which is its name. */
const BY_NAME = new Map(
  [...messageSchemas()].map(([name, schema]) => [
    String(schema.title).startsWith('users-service.') ? schema.title : name,
    schema,
  ]),
)

function messageFaults(name: string, value: object): string[] {
  const schema = BY_NAME.get(name)
  if (!schema) return [`nothing is published as ${name}`]
  const known = new Set(namesIn(schema))
  const unknown = [...namesOf(value)].filter((one) => !known.has(one)).map((one) => `no ${one} is published`)
  const relaxed = JSON.parse(
    JSON.stringify(schema, (key, of) => (key === 'required' ? [] : key === '$id' ? undefined : of)),
  )
  return [...unknown, ...(ajv.validate(relaxed, value) ? [] : [ajv.errorsText()])]
}
/** Schemas of messages let fields be added: that a consumer names one that there is not yet is found by its name. */
function* namesIn(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  if ('properties' in schema) yield* Object.keys(schema.properties as object)
  for (const inner of Object.values(schema)) yield* namesIn(inner)
}
function* namesOf(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) yield name
    yield* namesOf(inner)
  }
}
const nameOf = ({ description }: Message) => description.split(' ').at(-1) ?? ''

for (const message of messages) {
  test(`${message.description}: as its schema has it`, () =>
    assert.deepEqual(messageFaults(nameOf(message), message.contents.content), []))
}

test('a message that nobody publishes, a field that there is not, and one of another type are found', () => {
  const [message = assert.fail()] = messages.filter((one) => nameOf(one).endsWith('role-granted.v1'))
  const { content: value } = message.contents
  assert.deepEqual(messageFaults('users-service.user-married.v1', value), [
    'nothing is published as users-service.user-married.v1',
  ])
  assert.deepEqual(messageFaults(nameOf(message), { ...value, shoe: 42 }), ['no shoe is published'])
  assert.match(String(messageFaults(nameOf(message), { ...value, sequence: 7 })), /sequence must be string/)
})

test('what we take of Debezium is what its schema, which others read, says', () => {
  const schema = messageSchemas().get('debezium-change') ?? assert.fail()
  const consumed = contractIn('pacts', `${SERVICE}-debezium.json`)
  const changes = consumed.filter(({ description }) => description.startsWith('a change'))
  assert.ok(changes.length >= 3)
  const validate = ajv.compile(schema)
  for (const { description, contents } of consumed)
    assert.equal(validate(contents.content), description.startsWith('a change'), description)
})
