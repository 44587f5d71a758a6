// A change of the OpenAPI document that breaks clients of the last release fails, with a list of what it breaks.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { compareOpenApi, DOCUMENT, lastRelease, oasdiffMissing } from '../../../scripts/openapi-breaking.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const RELEASE = lastRelease()
const folder = mkdtempSync(join(tmpdir(), 'users-service-openapi-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// biome-ignore lint/suspicious/noExplicitAny: a document of which each case changes another part.
type Document = any
type Case = [what: string, change: (document: Document) => void, said: RegExp]

const schemas = (document: Document) => document.components.schemas
const BREAKING: Case[] = [
  ['a path is gone', ({ paths }) => delete paths['/v1/roles/{role}'], /^error: GET \/v1\/roles\/\{role\} .*removed/],
  ['a method is gone', ({ paths }) => delete paths['/v1/roles/{role}'].delete, /^error: DELETE \/v1\/roles\/\{role\} /],
  [
    'a field of an answer is gone',
    (document) => {
      delete schemas(document).User.properties.jobTitle
      schemas(document).User.required = schemas(document).User.required.filter((name: string) => name !== 'jobTitle')
    },
    /^error: GET \/v1\/users\/\{userId\} removed the required property `jobTitle`/,
  ],
  [
    'a field of an answer may be missing',
    (document) => {
      schemas(document).User.required = schemas(document).User.required.filter((name: string) => name !== 'jobTitle')
    },
    /^error: GET \/v1\/users\/\{userId\} .*`jobTitle` became optional/,
  ],
  [
    'a field of an answer has another type',
    (document) => Object.assign(schemas(document).User.properties, { version: { type: 'string' } }),
    /^error: GET \/v1\/users\/\{userId\} .*`version`.* changed from `integer` to `string`/,
  ],
  [
    'an answer may say what it never said',
    (document) => schemas(document).User.properties.status.enum.push('away'),
    /^error: GET \/v1\/users\/\{userId\} added the new `away` enum value/,
  ],
  [
    'a request needs a field more',
    (document) => {
      schemas(document).Registration.properties.shoeSize = { type: 'integer' }
      schemas(document).Registration.required.push('shoeSize')
    },
    /^error: POST \/v1\/users added the new required request property `shoeSize`/,
  ],
  [
    'a request needs a parameter more',
    ({ paths }) => paths['/v1/users'].get.parameters.push({ name: 'shop', in: 'query', required: true, schema: {} }),
    /^error: GET \/v1\/users added the new required `query` request parameter `shop`/,
  ],
  [
    'a parameter takes less',
    ({ paths }) =>
      paths['/v1/users'].get.parameters.find(({ name }: { name: string }) => name === 'status').schema.enum.pop(),
    /^error: GET \/v1\/users removed the enum value `terminated`/,
  ],
  [
    'a field of a request takes less',
    (document) => Object.assign(schemas(document).LimitSetting.properties.value, { maximum: 5 }),
    /^error: PUT \/v1\/users\/\{userId\}\/limits\/\{limit\} .*`value`.* max was decreased/,
  ],
  [
    'another scope is needed',
    ({ paths }) => Object.assign(paths['/v1/users'].post, { security: [{ token: ['operate'] }] }),
    /^error: POST \/v1\/users .*scope `operate` was added/,
  ],
  [
    'a success has another status',
    ({ paths }) => delete paths['/v1/users'].post.responses[201],
    /^error: POST \/v1\/users /,
  ],
]
const HARMLESS: [what: string, change: (document: Document) => void][] = [
  ['another path', ({ paths }) => Object.assign(paths, { '/v1/shoes': paths['/v1/roles'] })],
  [
    'a field more in an answer',
    (document) => Object.assign(schemas(document).User.properties, { shoeSize: { type: 'integer' } }),
  ],
  [
    'a field that a request may have',
    (document) => Object.assign(schemas(document).Registration.properties, { shoeSize: { type: 'integer' } }),
  ],
  [
    'other words',
    (document) => Object.assign(schemas(document).User.properties.status, { description: 'Where they stand.' }),
  ],
]

function changed(change: (document: Document) => void): string {
  const document = JSON.parse(readFileSync(RELEASE, 'utf8'))
  change(document)
  const path = join(folder, 'openapi.json')
  writeFileSync(path, JSON.stringify(document))
  return path
}

describe('the OpenAPI document, and the last release’s', {
  skip: (!process.env.CI && oasdiffMissing()) || false,
}, () => {
  test('what it says breaks no client of the last release', () => {
    const { isBroken, said } = compareOpenApi(RELEASE, DOCUMENT)
    assert.equal(isBroken, false, said.join('\n'))
    const { status, stdout } = spawnSync(process.execPath, ['scripts/openapi-breaking.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /^Breaks nobody: what has changed since contracts\/releases\//)
  })

  for (const [what, change, expected] of BREAKING) {
    test(`${what}: that breaks, and is said`, () => {
      const { isBroken, said } = compareOpenApi(RELEASE, changed(change))
      assert.equal(isBroken, true)
      assert.ok(
        said.some((line) => expected.test(line)),
        said.join('\n'),
      )
    })
  }

  for (const [what, change] of HARMLESS) {
    test(`${what}: that breaks nothing`, () => {
      assert.deepEqual(compareOpenApi(RELEASE, changed(change)), { isBroken: false, said: [] })
    })
  }
})
