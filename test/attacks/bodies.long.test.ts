import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MAX_JSON_DEPTH } from '../../src/plugins/json-depth.ts'
import { startService, type TestService } from '../support/service.ts'

let service: TestService
let path: string
before(async () => {
  service = await startService({ worker: false })
  const registered = await service.app.inject({
    method: 'POST',
    url: '/v1/users',
    payload: { username: 'attacked', givenName: 'Ann', familyName: 'Lee' },
  })
  path = `/v1/users/${registered.json().userId}`
})
after(() => service?.close())

const patch = (payload: string) =>
  service.app.inject({ method: 'PATCH', url: path, payload, headers: { 'content-type': 'application/json' } })

/** Nearly as large as a body may be. */
const SIZE = 60_000
const ROUNDS = 15
/** Above what parsing and refusing a body of thousands of fields costs, beside one long text; far below what grows with a square. */
const MOST_TIMES = 20
const MS = 1_000

/** CPU time of this process alone, so that it says the same on a machine that is busy with something else. */
async function cpuMs(payload: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = process.cpuUsage()
    await patch(payload)
    const { user, system } = process.cpuUsage(begun)
    least = Math.min(least, (user + system) / MS)
  }
  return least
}

const list = (items: number, item: (i: number) => string) => Array.from({ length: items }, (_, i) => item(i)).join(',')
const BOMBS: [what: string, body: string][] = [
  ['arrays in arrays', `${'['.repeat(SIZE / 2)}${']'.repeat(SIZE / 2)}`],
  ['objects in objects', `${'{"a":'.repeat(SIZE / 6)}1${'}'.repeat(SIZE / 6)}`],
  ['as deep as is taken, again and again', `[${list(SIZE / 63, () => `${'['.repeat(31)}${']'.repeat(31)}`)}]`],
  ['many fields', `{${list(SIZE / 10, (i) => `"k${i}":1`)}}`],
  ['the same field', `{${list(SIZE / 15, () => '"jobTitle":"a"')}}`],
  ['fields that are numbers', `{${list(SIZE / 9, (i) => `"${i}":1`)}}`],
  ['fields far apart', `{${list(SIZE / 14, (i) => `"${i * 65_537}":1`)}}`],
  ['one long field', `{"${'x'.repeat(SIZE)}":1}`],
  ['a number of many digits', `{"jobTitle":${'9'.repeat(SIZE)}}`],
  ['a fraction of many digits', `{"jobTitle":0.${'0'.repeat(SIZE)}1}`],
  ['an exponent of many digits', `{"jobTitle":1e${'9'.repeat(SIZE)}}`],
  ['escapes', `{"jobTitle":"${'\\u0041'.repeat(SIZE / 6)}"}`],
  ['broken escapes', `{"jobTitle":"${'\\'.repeat(SIZE)}`],
  ['blanks', `{"jobTitle":${' '.repeat(SIZE)}"a"}`],
  ['halves of surrogates', `{"jobTitle":"${'\\ud800'.repeat(SIZE / 6)}"}`],
  ['poison, often', `[${list(SIZE / 17, () => '{"__proto__":1}')}]`],
]

test('no body costs much more than one of its size that is merely long', async (t) => {
  // The first of each kind is compiled.
  for (const [, body] of BOMBS) await patch(body)
  const plainMs = Math.max(0.2, await cpuMs(JSON.stringify({ jobTitle: 'x'.repeat(SIZE) })))
  for (const [what, body] of BOMBS) {
    const ms = await cpuMs(body)
    t.diagnostic(`${what}: ${ms.toFixed(2)} ms, ${(ms / plainMs).toFixed(1)} times`)
    assert.ok(ms < MOST_TIMES * plainMs, `${what} took ${ms.toFixed(1)} ms, one long text ${plainMs.toFixed(1)}`)
  }
})

test('what nests too deep is refused before it is parsed, and is counted', async () => {
  const refused = async () => {
    const text = await service.api.metrics.metrics()
    return Number(/users_requests_refused_total{reason="body-too-deep"} (\d+)/.exec(text)?.[1])
  }
  const before = await refused()
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const taken = (await patch(`{"jobTitle":${nested(MAX_JSON_DEPTH - 1)}}`)).json()
  assert.deepEqual(taken.errors[0].pointer, '/jobTitle')
  const tooDeep = await patch(`{"jobTitle":${nested(MAX_JSON_DEPTH)}}`)
  assert.equal(tooDeep.statusCode, 400)
  const { code, errors } = tooDeep.json()
  assert.deepEqual(
    [code, errors],
    ['invalid-request', [{ in: 'body', pointer: '', detail: 'nests deeper than 32 levels' }]],
  )
  assert.equal(await refused(), before + 1)
})

const POISON: [body: string, pointer: string][] = [
  ['{"__proto__":{"polluted":1}}', '/__proto__'],
  ['{"constructor":{"prototype":{"polluted":1}}}', '/constructor'],
  ['{"prototype":{"polluted":1}}', '/prototype'],
  ['{"\\u005f_proto__":{"polluted":1}}', '/__proto__'],
  ['{"c\\u006fnstructor":{"prototype":{"polluted":1}}}', '/constructor'],
  ['{"jobTitle":{"constructor":{"prototype":{"polluted":1}}}}', '/jobTitle/constructor'],
  ['[{"__proto__":{"polluted":1}}]', '/0/__proto__'],
]

test('nobody reaches what all objects share', async () => {
  for (const [body, pointer] of POISON) {
    const answer = await patch(body)
    assert.equal(answer.statusCode, 400, body)
    assert.equal(answer.json().errors[0].pointer, pointer, body)
  }
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    '__proto__[polluted]',
    'constructor.prototype.polluted',
  ]
  for (const name of names) {
    assert.equal((await service.app.inject(`/v1/users?${encodeURIComponent(name)}=1`)).statusCode, 400, name)
    const preference = `${path}/preferences/${encodeURIComponent(name)}`
    const put = await service.app.inject({ method: 'PUT', url: preference, payload: { value: 'polluted' } })
    assert.ok([200, 400].includes(put.statusCode), name)
    const shown = (await service.app.inject(path)).json().preferences
    assert.equal(Object.hasOwn(shown, name), put.statusCode === 200, name)
    if (put.statusCode === 200) await service.app.inject({ method: 'DELETE', url: preference })
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  assert.equal(typeof {}.toString, 'function')
})
