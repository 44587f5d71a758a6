// What consumers write into their contracts the OpenAPI document promises them: they name nothing that it does not know. What
// it promises besides, it promises to others.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OpenApi } from '../../api/client.ts'
import { CONTRACTS } from '../kept.ts'
import { crossChecker, type Interaction } from './cross-check.ts'

const FOLDER = join(CONTRACTS, 'consumers')
const interactions = readdirSync(FOLDER)
  .flatMap((file): Interaction[] => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')).interactions)
  .filter(({ type }) => type === 'Synchronous/HTTP')
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
    'a tag that is none',
    READ,
    ({ response }) => Object.assign(response.headers ?? {}, { ETag: ['not a tag at all'] }),
    'ETag of its answer is not to be not a tag at all',
  ],
  [
    'a place where no user is',
    REGISTRATION,
    ({ response }) => Object.assign(response.headers ?? {}, { Location: ['ftp://x'] }),
    'Location of its answer is not to be ftp://x',
  ],
  [
    'a number of milliseconds that is none',
    READ,
    ({ response }) => Object.assign(response.headers ?? {}, { 'Read-Age': ['old'] }),
    'Read-Age of its answer is not to be old',
  ],
  [
    'a source that there is not',
    READ,
    ({ response }) => Object.assign(response.headers ?? {}, { 'Read-From': ['memory'] }),
    'Read-From of its answer is not to be memory',
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
