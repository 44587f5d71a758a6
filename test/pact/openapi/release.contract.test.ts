// A document that breaks clients of the last release becomes a release only under a version that says so.
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { compareOpenApi, DOCUMENT, documentIn, lastRelease } from '../../../scripts/openapi-breaking.ts'
import { keepRelease } from '../../../scripts/openapi-release.ts'
import { withoutOasdiff } from './changes.ts'

const skip = withoutOasdiff()
const HARMLESS = { type: 'object', properties: { userId: { type: 'integer' }, shoeSize: { type: 'integer' } } }
const BREAKING = { type: 'object', properties: {} }
const LINE = 'error: GET /v1/users removed the optional property `userId` from the response with the `200` status'

type Case = {
  last: string
  version: string
  answer: object
  isBreakMeant?: true
  isKept: boolean
  said: RegExp[]
}
const CASES: Case[] = [
  { last: '0.1.0', version: '0.1.1', answer: HARMLESS, isKept: true, said: [/^\S+0\.1\.1\/openapi\.json$/] },
  {
    last: '0.1.0',
    version: '0.2.0',
    answer: BREAKING,
    isKept: false,
    said: [
      /^0\.2\.0 breaks clients of 0\.1\.0:\n/,
      /^Not kept: .* 1\.0\.0, or as 0\.2\.0 by `npm run openapi:release -- --breaking`\.$/m,
    ],
  },
  {
    last: '0.1.0',
    version: '0.2.0',
    answer: BREAKING,
    isBreakMeant: true,
    isKept: true,
    said: [/^0\.2\.0 breaks clients of 0\.1\.0:\n/, /0\.2\.0\/openapi\.json$/],
  },
  { last: '0.1.0', version: '0.1.1', answer: BREAKING, isBreakMeant: true, isKept: false, said: [/^Not kept: /m] },
  { last: '0.1.0', version: '1.0.0', answer: BREAKING, isKept: true, said: [/^1\.0\.0 breaks clients of 0\.1\.0:\n/] },
  {
    last: '1.9.0',
    version: '1.10.0',
    answer: BREAKING,
    isBreakMeant: true,
    isKept: false,
    said: [/^Not kept: what breaks clients is released as 2\.0\.0\.$/m],
  },
  { last: '1.9.0', version: '1.10.0', answer: HARMLESS, isKept: true, said: [/1\.10\.0\/openapi\.json$/] },
  { last: '1.9.0', version: '2.0.0', answer: BREAKING, isKept: true, said: [/^2\.0\.0 breaks clients of 1\.9\.0:\n/] },
  { last: '1.9.0', version: '1.9.0', answer: HARMLESS, isKept: false, said: [/^1\.9\.0 has been released: raise/] },
  {
    last: '1.9.0',
    version: '1.8.5',
    answer: HARMLESS,
    isKept: false,
    said: [/^1\.8\.5 is not above 1\.9\.0, the last/],
  },
  { last: '1.9.0', version: '0.10.0', answer: HARMLESS, isKept: false, said: [/^0\.10\.0 is not above 1\.9\.0, the/] },
  {
    last: '1.9.0',
    version: '2.0.0-rc.1',
    answer: BREAKING,
    isKept: false,
    said: [/^2\.0\.0-rc\.1 in package\.json is no/],
  },
]

for (const { last, version, answer, isBreakMeant = false, isKept, said } of CASES) {
  const what = `${answer === BREAKING ? 'what breaks clients' : 'what breaks nobody'}, as ${version} after ${last}`
  test(`${what}${isBreakMeant ? ', which is meant' : ''}: ${isKept ? 'kept' : 'refused'}`, { skip }, (t) => {
    const root = project(t, last, version)
    write(root, 'contracts/openapi.json', documentOf(answer))
    const was = readFileSync(lastRelease(root), 'utf8')
    const outcome = keepRelease(root, { isBreakMeant })
    assert.equal(outcome.isKept, isKept, outcome.said)
    for (const one of said) assert.match(outcome.said, one)
    if (answer === BREAKING && !version.includes('-')) assert.ok(outcome.said.includes(LINE), outcome.said)
    assert.equal(readFileSync(join(root, 'contracts/releases', last, 'openapi.json'), 'utf8'), was)
    const kept = join(root, 'contracts/releases', version, 'openapi.json')
    if (isKept) assert.equal(readFileSync(kept, 'utf8'), readFileSync(documentIn(root), 'utf8'))
    else assert.equal(existsSync(kept), version === last)
  })
}

test('a release of this service that lost a field is refused, and stays broken to the comparison', { skip }, (t) => {
  const root = project(t, '0.1.0', '0.2.0')
  cpSync(lastRelease(), lastRelease(root))
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'))
  delete document.components.schemas.User.properties.jobTitle
  write(root, 'contracts/openapi.json', document)
  const { isKept, said } = keepRelease(root, { isBreakMeant: false })
  assert.equal(isKept, false)
  assert.match(said, /^error: GET \/v1\/users\/\{userId\} .*`jobTitle`/m)
  assert.equal(compareOpenApi(lastRelease(root), documentIn(root)).isBroken, true)
})

test('where something else stands among the releases nothing is kept', (t) => {
  const root = project(t, '0.1.0', '0.2.0')
  write(root, 'contracts/releases/next/openapi.json', documentOf(HARMLESS))
  assert.throws(
    () => keepRelease(root, { isBreakMeant: false }),
    /^Error: contracts\/releases\/next is no release: .*\.$/,
  )
  assert.equal(existsSync(join(root, 'contracts/releases/0.2.0')), false)
})

test('the first release is compared with nothing', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'users-service-release-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  write(root, 'package.json', { version: '0.1.0' })
  write(root, 'contracts/openapi.json', documentOf(BREAKING))
  assert.equal(keepRelease(root, { isBreakMeant: false }).isKept, true)
  assert.equal(lastRelease(root), join(root, 'contracts/releases/0.1.0/openapi.json'))
})

/** A project that has released `last`, and is at `version`. */
function project(t: TestContext, last: string, version: string): string {
  const root = mkdtempSync(join(tmpdir(), 'users-service-release-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  write(root, 'package.json', { version })
  write(
    root,
    `contracts/releases/${last}/openapi.json`,
    documentOf({ type: 'object', properties: { userId: { type: 'integer' } } }),
  )
  return root
}

function documentOf(schema: object): object {
  const answer = { description: 'Who there is.', content: { 'application/json': { schema } } }
  return {
    openapi: '3.1.0',
    info: { title: 'Users', version: '1' },
    paths: { '/v1/users': { get: { responses: { 200: answer } } } },
  }
}

function write(root: string, name: string, value: object): void {
  const path = join(root, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, JSON.stringify(value))
}
