import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { after, before, test } from 'node:test'
import { MAX_JSON_DEPTH } from '../../src/plugins/json-depth.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { type Api, type Ask, apiClient, type Method } from './client.ts'
import { written } from './written.ts'

let service: TestService
let api: Api
before(async () => {
  // The parser itself shall see deep nesting and long texts, not only the limit.
  service = await startService({ environment: { BODY_LIMIT_BYTES: '1048576' } })
  api = await apiClient(service.app)
  await api.role('cashier', 'receipt.void')
  await api.somebody({ username: 'untouched', familyName: 'Untouched', homeBranchId: 'B1' })
})
after(() => service?.close())

/** Stands in values that are refused; no answer may repeat it. */
const SECRET = 'S3cretValue'
const NAMES = { givenName: 'Ann', familyName: 'Lee' }

type Expected = { status: number; code?: string; pointer?: string; in?: 'body' | 'query' | 'path' | 'header' }

/** Asks, and sees the refusal: with this status, code and place, without the value, and with nothing written. */
async function refuses(what: string, asked: Ask, expected: Expected): Promise<void> {
  const before = await written(service)
  const answer = await api.ask(asked)
  assert.equal(answer.statusCode, expected.status, `${what}: ${answer.body}`)
  const problem = answer.json()
  if (expected.code) assert.equal(problem.code, expected.code, what)
  const places = (problem.errors ?? []).map((error: { in: string; pointer: string }) => `${error.in} ${error.pointer}`)
  if (expected.pointer !== undefined) {
    assert.ok(places.includes(`${expected.in ?? 'body'} ${expected.pointer}`), `${what}: ${answer.body}`)
  }
  assert.ok(!answer.body.includes(SECRET), `${what}: ${answer.body}`)
  assert.ok(answer.body.length < 8_000, `${what}: the answer is short`)
  assert.deepEqual(await written(service), before, what)
}
const patch = (raw: string | Buffer, headers = {}): Ask => ({ method: 'PATCH', url: '/v1/users/1', raw, headers })
const json = (body: unknown) => patch(JSON.stringify(body))
const at = (pointer: string): Expected => ({ status: 400, code: 'invalid-request', pointer })

const TOO_LONG = `${SECRET}${'x'.repeat(289)}`
const FIELDS: [field: string, values: unknown[]][] = [
  [
    'username',
    [
      '',
      'ab',
      'Upper',
      'spa ce',
      'é.é',
      'a\0b',
      '👩‍🌾👩‍🌾👩‍🌾',
      TOO_LONG,
      SECRET,
      1,
      null,
      {},
      [],
      true,
      "a'; DROP TABLE users",
    ],
  ],
  [
    'givenName',
    ['', ' ', ' Ann', 'Ann ', 'A\nB', 'A\0B', 'A\u202eB', '\u200b', 'x'.repeat(64), '😀'.repeat(64), TOO_LONG],
  ],
  ['familyName', [null, 1, false, [], {}, ['a'], { a: SECRET }, '\u2028']],
  ['employeeNumber', ['', 'a b', 'é', 'x'.repeat(33), 12, TOO_LONG]],
  [
    'email',
    ['', 'a', 'a@', '@b', 'a@b', `${SECRET}@`, 'a@b@c.d', 'a b@c.de', 'a@b..c', TOO_LONG, `${'a'.repeat(65)}@b.cd`],
  ],
  ['phone', ['', '1', 'abc', '++48', '48;ext=1', `${SECRET}`, '1'.repeat(40), '１２３４５']],
  ['jobTitle', ['', '\t', 'x'.repeat(64), '\u0007', 1, TOO_LONG]],
]

for (const [field, values] of FIELDS) {
  test(`a wrong ${field} is refused and named, when changing and when registering`, async () => {
    for (const value of values) {
      await refuses(`${field} ${JSON.stringify(value)}`, json({ [field]: value }), at(`/${field}`))
      const body = { username: 'never', ...NAMES, [field]: value }
      const nullable = ['employeeNumber', 'email', 'phone', 'jobTitle'].includes(field)
      if (value === null && nullable) continue
      await refuses(`${field} ${JSON.stringify(value)}`, { method: 'POST', url: '/v1/users', body }, at(`/${field}`))
    }
  })
}

test('lone surrogates are refused wherever text is taken, whether escaped in JSON or as bytes', async () => {
  for (const lone of ['\\ud800', '\\udfff', '\\ud800x', '\\udc00\\ud800']) {
    for (const field of ['username', 'givenName', 'familyName', 'jobTitle', 'email', 'phone']) {
      await refuses(field, patch(`{"${field}":"abc${lone}"}`), at(`/${field}`))
    }
    const preference: Ask = { method: 'PUT', url: '/v1/users/1/preferences/a', raw: `{"value":"${lone}"}` }
    await refuses('preference', preference, at('/value'))
    const role: Ask = {
      method: 'PUT',
      url: '/v1/roles/a',
      raw: `{"title":"${lone}","privileged":false,"permissions":[]}`,
    }
    await refuses('role', role, at('/title'))
    await refuses('key', patch(`{"${lone}":1}`), { status: 400, code: 'invalid-request' })
  }
  const bytes = (hex: string) => patch(Buffer.from(`7b226a6f625469746c65223a22${hex}227d`, 'hex'))
  for (const hex of ['eda080', 'ff', 'c0af', 'f8888080', 'e9', '80']) {
    await refuses(`bytes ${hex}`, bytes(hex), { status: 400, code: 'malformed-json' })
  }
})

test('bytes in a path that are no UTF-8, or no percent-encoding, are refused', async () => {
  for (const part of ['%ED%A0%80', '%FF', '%zz', '%', '%2', '%C0%AF', `${SECRET}%`]) {
    for (const path of [`/v1/users/by-username/${part}`, `/v1/users/${part}`, `/v1/roles/${part}`]) {
      await refuses(path, { method: 'GET', url: path }, { status: 400, code: 'invalid-request' })
    }
  }
  for (const part of ['%00', '%0A', '%7F', '%1F%1F']) {
    const url = `/v1/users/by-username/${part}`
    await refuses(url, { method: 'GET', url }, { ...at('/username'), in: 'path' })
  }
})

test('in a query such bytes find nobody but whose name has them so, and break nothing', async () => {
  for (const part of ['%ED%A0%80', '%FF', '%zz', '%', '%E0%A4%A']) {
    const answer = await api.get(`/v1/users?q=${part}`)
    assert.ok([200, 400].includes(answer.statusCode))
    if (answer.statusCode !== 200) continue
    const items: { familyName: string }[] = answer.json().items
    assert.deepEqual(
      items.filter(({ familyName }) => !familyName.includes(part)),
      [],
    )
  }
  for (const part of ['%00', '%0A', '', '%20', 'x'.repeat(64), '%EF%BB%BF']) {
    await refuses(part, { method: 'GET', url: `/v1/users?q=${part}` }, { ...at('/q'), in: 'query' })
  }
})

const MALFORMED = [
  '{',
  ' ',
  '{"jobTitle":}',
  "{'jobTitle':'a'}",
  '{"jobTitle":"a"}}',
  'undefined',
  'NaN',
  '{"a":1e}',
  '\0',
]
test('a body that is no JSON is refused', async () => {
  const expected = { status: 400, code: 'malformed-json' }
  for (const raw of [...MALFORMED, '['.repeat(MAX_JSON_DEPTH), '{"a":'.repeat(MAX_JSON_DEPTH)]) {
    await refuses(raw.slice(0, 80), patch(raw), expected)
    await refuses(raw.slice(0, 80), { method: 'POST', url: '/v1/users', raw }, expected)
  }
})

const beneath = (levels: number, text: string) => `${'{"a":'.repeat(levels)}${text}${'}'.repeat(levels)}`
const TOO_DEEP = [
  beneath(MAX_JSON_DEPTH, '{"__proto__":1}'),
  ...[beneath(100_000, '{"__proto__":1}'), '['.repeat(100_000), '{"a":'.repeat(100_000)],
]

test('what nests deeper than anything is refused before it is parsed, be it JSON or not', async () => {
  for (const raw of TOO_DEEP) {
    await refuses(raw.slice(0, 80), patch(raw), at(''))
    await refuses(raw.slice(0, 80), { method: 'POST', url: '/v1/users', raw }, at(''))
    assert.match((await api.ask(patch(raw))).body, /nests deeper than 32 levels/)
  }
})

const HOSTILE: [raw: string, pointer: string][] = [
  ['{"__proto__":{"admin":true}}', '/__proto__'],
  ['{"\\u005f\\u005fproto__":{"admin":true}}', '/__proto__'],
  ['{"jobTitle":"a","__proto__":1}', '/__proto__'],
  ['{"jobTitle":{"a/b":[1,{"__proto__":1}]}}', '/jobTitle/a~1b/1/__proto__'],
  ['{"constructor":{"prototype":{"admin":true}}}', '/constructor'],
  [beneath(MAX_JSON_DEPTH - 1, '{"__proto__":1}'), `${'/a'.repeat(8)}/__proto__`],
]

test('a field that would poison objects is named like any other that is not known', async () => {
  for (const [raw, pointer] of HOSTILE) {
    await refuses(raw.slice(0, 80), patch(raw), at(pointer))
    await refuses(raw.slice(0, 80), { method: 'POST', url: '/v1/users', raw }, at(pointer))
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined)
  const text: Ask = { method: 'PUT', url: '/v1/users/1/preferences/a', raw: '{"value":"__proto__ \\u005f"}' }
  assert.equal((await api.ask(text)).statusCode, 200, 'as a value it is text')
})

test('an empty body is none, whatever type is announced for it', async () => {
  const headers = { 'content-type': 'application/json' }
  for (const [method, rest] of [
    ['POST', '/suspend'],
    ['POST', '/reinstate'],
    ['PUT', '/branches/B9'],
    ['DELETE', '/branches/B9'],
    ['PUT', '/roles/cashier'],
    ['DELETE', '/roles/cashier'],
  ] as [Method, string][]) {
    const url = `/v1/users/1${rest}`
    assert.equal((await api.ask({ method, url, headers, raw: '' })).statusCode, 200, `${method} ${rest}`)
    assert.equal((await api.ask({ method, url, headers })).statusCode, 200, `${method} ${rest} without a length`)
  }
  const required: Ask[] = [
    patch(''),
    { method: 'POST', url: '/v1/users', raw: '', headers },
    { method: 'PUT', url: '/v1/users/1/limits/cash-drop', raw: '', headers },
    { method: 'PUT', url: '/v1/roles/a', headers },
  ]
  for (const asked of required) {
    await refuses(asked.url, asked, at(''))
    assert.match((await api.ask(asked)).body, /a body is required/)
  }
})

test('a query where none is taken is refused by name, everywhere', async () => {
  const none: [Method, string, unknown?][] = [
    ['GET', '/v1/users/1'],
    ['HEAD', '/v1/users/1'],
    ['GET', '/v1/users/by-username/untouched'],
    ['GET', '/v1/roles'],
    ['GET', '/v1/roles/cashier'],
    ['POST', '/v1/users', { username: 'never', ...NAMES }],
    ['PATCH', '/v1/users/1', { jobTitle: 'x' }],
    ['POST', '/v1/users/1/suspend'],
    ['PUT', '/v1/users/1/branches/B5', {}],
    ['PUT', '/v1/users/1/limits/cash-drop', { value: 1 }],
    ['PUT', '/v1/roles/cashier', { title: 'A', privileged: false, permissions: [] }],
  ]
  for (const [method, path, body] of none) {
    const asked = { method, url: `${path}?branchID=B1`, body }
    if (method === 'HEAD') assert.equal((await service.app.inject({ method, url: asked.url })).statusCode, 400)
    else await refuses(`${method} ${path}`, asked, { ...at('/branchID'), in: 'query' })
  }
  for (const path of ['/v1/users/1?', '/health/live?a=1', '/health/ready?a=1', '/docs/json?a=1'])
    assert.equal((await service.app.inject(path)).statusCode, 200, path)
})

test('a body of another shape than an object is refused', async () => {
  const nested = (n: number) => `${'['.repeat(n)}${']'.repeat(n)}`
  for (const raw of ['[]', '[{"jobTitle":"a"}]', 'null', '1', '"a"', 'true', '1e400', nested(100_000)]) {
    await refuses(raw.slice(0, 80), patch(raw), at(''))
    await refuses(raw.slice(0, 80), { method: 'POST', url: '/v1/users', raw }, at(''))
  }
  // Where a body may be left out, null is still no object.
  await refuses('null', { method: 'PUT', url: '/v1/users/1/branches/B001', raw: 'null' }, at(''))
  await refuses('none', { method: 'PATCH', url: '/v1/users/1' }, at(''))
  await refuses('none', { method: 'POST', url: '/v1/users' }, at(''))
  await refuses('deep', patch(`{"jobTitle":${nested(MAX_JSON_DEPTH - 1)}}`), at('/jobTitle'))
})

test('each unknown field is named, by a JSON Pointer, at most twenty of them', async () => {
  await refuses('slash', json({ 'a/b~c': SECRET }), at('/a~1b~0c'))
  await refuses('constructor', json({ constructor: SECRET }), at('/constructor'))
  await refuses('toString', json({ toString: SECRET, jobTitle: 'x' }), at('/toString'))
  await refuses('status', json({ status: 'terminated' }), at('/status'))
  await refuses('version', json({ version: 1 }), at('/version'))
  await refuses(
    'id',
    { method: 'POST', url: '/v1/users', body: { ...NAMES, username: 'abc', userId: 7 } },
    at('/userId'),
  )
  const permission = { permission: 'a', effect: 'allow', [SECRET.toLowerCase()]: SECRET }
  const role = { title: 'A', privileged: false, permissions: [permission] }
  await refuses(
    'nested',
    { method: 'PUT', url: '/v1/roles/a', body: role },
    at(`/permissions/0/${SECRET.toLowerCase()}`),
  )
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`field${i}${'x'.repeat(500)}`, SECRET]))
  await refuses('many', json(many), { status: 400, code: 'invalid-request' })
})

test('a body over the limit is 413, whatever is in it', async () => {
  const tenMegabytes = `{"jobTitle":"${'x'.repeat(10_000_000)}"}`
  await refuses('10 MB', patch(tenMegabytes), { status: 413, code: 'body-too-large' })
  await refuses('10 MB', patch('x'.repeat(10_000_000)), { status: 413, code: 'body-too-large' })
  await refuses('10 MB', { method: 'POST', url: '/v1/users', raw: tenMegabytes }, { status: 413 })
})

test('only JSON is taken, and a merge patch only as a patch', async () => {
  const types = [
    'text/plain',
    'text/json',
    'application/xml',
    'application/jsonx',
    'application/vnd.api+json',
    'json',
    '',
  ]
  const forms = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ';', 'application/*', '*/*']
  const expected = { status: 415, code: 'unsupported-media-type' }
  for (const type of [...types, ...forms, 'application/json-patch+json']) {
    await refuses(type, patch('{"jobTitle":"Clerk"}', { 'content-type': type }), expected)
  }
  const registration = JSON.stringify({ username: 'merged', ...NAMES })
  const headers = { 'content-type': 'application/merge-patch+json' }
  await refuses('merge patch', { method: 'POST', url: '/v1/users', raw: registration, headers }, expected)
  const path = `/v1/users/${await api.somebody()}`
  const variations = ['application/json', 'APPLICATION/JSON', 'application/json;charset=utf-8']
  const more = [
    'application/json; charset="UTF-8"',
    'application/merge-patch+json',
    'application/merge-patch+json; a=b',
  ]
  for (const [i, type] of [...variations, ...more].entries()) {
    const raw = JSON.stringify({ jobTitle: `Żółw ${i}` })
    const answer = await api.ask({ method: 'PATCH', url: path, raw, headers: { 'content-type': type } })
    assert.equal(answer.statusCode, 200, `${type} ${answer.body}`)
    assert.equal((await api.get(path)).json().jobTitle, `Żółw ${i}`)
  }
  const latin = { 'content-type': 'application/json; charset=iso-8859-1' }
  const named = { ...expected, in: 'header' as const }
  for (const raw of ['{"jobTitle":"a"}', Buffer.from('{"jobTitle":"é"}', 'latin1')])
    await refuses('latin 1', patch(raw, latin), { ...named, pointer: '/content-type' })
  for (const coding of ['gzip', 'br', 'gzip, identity'])
    await refuses(coding, patch('{"jobTitle":"a"}', { 'content-encoding': coding }), {
      ...named,
      pointer: '/content-encoding',
    })
  const plain = { 'content-encoding': 'identity', 'content-type': 'application/json; charset=UTF-8' }
  assert.equal((await api.ask({ ...patch('{"jobTitle":"Clerk 9"}', plain), url: path })).statusCode, 200)
})

const NO_IDS = [
  '0',
  '-1',
  '9007199254740992',
  '1e400',
  '1e3',
  '0x10',
  '01',
  '1.0',
  '+1',
  '%201',
  '1%20',
  '１２',
  '१',
  '²',
  'null',
  'NaN',
  'true',
  '__proto__',
  'constructor',
  '%2e%2e',
  '*',
  "1'--",
  '1%3BDROP',
  '%7B%7D',
  '%5B1%5D',
  '9'.repeat(400),
]
const OF_A_USER: [Method, string, unknown?][] = [
  ['GET', ''],
  ['PATCH', '', { jobTitle: 'x' }],
  ['GET', '/permissions'],
  ['GET', '/permissions/a'],
  ['POST', '/suspend'],
  ['POST', '/reinstate'],
  ['POST', '/terminate'],
  ['PUT', '/branches/B1', {}],
  ['DELETE', '/branches/B1'],
  ['PUT', '/roles/cashier'],
  ['DELETE', '/roles/cashier'],
  ['PUT', '/limits/cash-drop', { value: 1 }],
  ['DELETE', '/limits/cash-drop'],
  ['PUT', '/preferences/a', { value: 'x' }],
  ['DELETE', '/preferences/a'],
]

test('what is no user id is 400; an id that nobody has is 404', async () => {
  for (const [method, rest, body] of OF_A_USER) {
    for (const id of NO_IDS) {
      const url = `/v1/users/${encodeURI(decodeURIComponent(id))}${rest}`
      // Dots are taken out of a path before it is sent; see wire.test.ts.
      if (id === '%2e%2e') continue
      await refuses(`${method} ${url}`, { method, url, body }, { ...at('/userId'), in: 'path' })
    }
    for (const id of ['2147483648', '4294967297', '9007199254740991', '777777']) {
      const url = `/v1/users/${id}${rest}`
      await refuses(`${method} ${url}`, { method, url, body }, { status: 404, code: 'user-not-found' })
    }
  }
})

test('other parts of a path and query that are malformed are refused by name', async () => {
  const paths: [string, string, 'path' | 'query'][] = [
    ['/v1/branches/a_b/users', '/branchId', 'path'],
    [`/v1/branches/${'B'.repeat(17)}/users`, '/branchId', 'path'],
    [`/v1/roles/${'r'.repeat(33)}`, '/role', 'path'],
    ['/v1/roles/%27%3B--', '/role', 'path'],
    [`/v1/users/1/permissions/${'p'.repeat(65)}`, '/permission', 'path'],
    ['/v1/users/1/permissions?branchId=', '/branchId', 'query'],
    ['/v1/users/1/permissions?branchId=B1&branchId=B2', '/branchId', 'query'],
    ['/v1/users?limit=1&limit=2', '/limit', 'query'],
    ['/v1/users?q=a&q=b', '/q', 'query'],
    ['/v1/users?ids=1&ids=2', '/ids', 'query'],
    ['/v1/users?status=gone', '/status', 'query'],
    ['/v1/users?status=ACTIVE', '/status', 'query'],
    ['/v1/users?role=%27', '/role', 'query'],
    ['/v1/users?sort=id', '/sort', 'query'],
    ['/v1/users?__proto__=1', '/__proto__', 'query'],
    ['/v1/users?constructor=1', '/constructor', 'query'],
    ['/v1/users?LIMIT=1', '/LIMIT', 'query'],
    ['/v1/users?limit%5B%5D=1', '/limit[]', 'query'],
    [`/v1/users?${'x'.repeat(200)}=1`, `/${'x'.repeat(64)}`, 'query'],
    ['/v1/roles?cursor=a', '/cursor', 'query'],
    ['/v1/branches/B1/users?q=a', '/q', 'query'],
  ]
  for (const [url, pointer, place] of paths) {
    await refuses(url, { method: 'GET', url }, { ...at(pointer), in: place })
  }
  const infinite: Ask = { method: 'PUT', url: '/v1/users/1/limits/cash-drop', raw: '{"value":1e400}' }
  await refuses('1e400', infinite, at('/value'))
  for (const limit of ['none', '__proto__', 'constructor', 'CASH-DROP']) {
    const unknown = { status: 404, code: 'limit-unknown', pointer: '/limit', in: 'path' as const }
    const url = `/v1/users/1/limits/${limit}`
    await refuses(`set ${limit}`, { method: 'PUT', url, body: { value: 1 } }, unknown)
    await refuses(`remove ${limit}`, { method: 'DELETE', url }, unknown)
  }
  const limits: [string, unknown, string, 'body' | 'path'][] = [
    ['cash%20drop', { value: 1 }, '/limit', 'path'],
    ...[-1, 1.5, '1', null, [], 2 ** 53, 1_000_000_001].map((value): [string, unknown, string, 'body'] => [
      'cash-drop',
      { value },
      '/value',
      'body',
    ]),
  ]
  for (const [limit, body, pointer, place] of limits) {
    const url = `/v1/users/1/limits/${limit}`
    await refuses(`${limit} ${JSON.stringify(body)}`, { method: 'PUT', url, body }, { ...at(pointer), in: place })
  }
})

const FRAGMENTS = [
  "'; DROP TABLE users; --",
  "x' OR '1'='1",
  '"; DELETE FROM users; --',
  'Robert"); DROP TABLE users',
  '? ?1 :a @b $c',
  "'); redis.call('FLUSHALL') --",
  ']] redis.call("FLUSHALL") --[[',
  'KEYS[1] ARGV[1] %s %d \\0 \\n',
  '{{7*7}} #{7*7} <script>alert(1)</script>',
  '%00 %27 \\u0000',
  '__proto__',
  'undefined',
  'NULL',
  "O'Brien-Šmíd",
  '👩‍🌾👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  '𝕬𝖓𝖓',
  'a\u0301\u0323',
  'محمد',
]

test('text that is code elsewhere is stored and shown as the text that it is', async () => {
  const count = async () => (await service.query('SELECT COUNT(*) AS n FROM users'))[0]?.n as number
  const before = await count()
  for (const [i, text] of FRAGMENTS.entries()) {
    const path = `/v1/users/${await api.somebody({ username: `hostile.${i}`, givenName: text, familyName: text, jobTitle: text })}`
    const value = `${text}\n\t${text}`
    assert.equal((await api.put(`${path}/preferences/note`, { value })).statusCode, 200, text)
    const shown = (await api.get(path)).json()
    assert.deepEqual([shown.givenName, shown.familyName, shown.jobTitle], [text, text, text])
    assert.deepEqual(shown.preferences, { note: value })
    assert.equal(
      (await service.query('SELECT given_name FROM users WHERE user_id = ?', shown.userId))[0]?.given_name,
      text,
    )
    const found = await api.get(`/v1/users?q=${encodeURIComponent(text)}&limit=200`)
    assert.equal(found.statusCode, 200, found.body)
    assert.ok(
      found.json().items.some(({ userId }: { userId: number }) => userId === shown.userId),
      text,
    )
    const named = await api.get(`/v1/users/by-username/${encodeURIComponent(text)}`)
    assert.equal(named.statusCode, 404, text)
  }
  assert.equal(await count(), before + FRAGMENTS.length)
  assert.equal((await api.get('/v1/users/1')).json().familyName, 'Untouched')
  await until('Redis still holds the read models', async () => {
    const answer = await api.get('/v1/users?q=untouched')
    return answer.headers['read-from'] === 'redis' && answer.json().items.length === 1
  })
})

test('names that objects have are ordinary keys of preferences, roles and permissions', async () => {
  const path = `/v1/users/${await api.somebody()}`
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', '-', '.']) {
    const check = await api.get(`${path}/permissions/${name}`)
    if (name !== '.') assert.deepEqual([check.json().decision, check.json().reason], ['deny', 'unknown-permission'])
    const role = name === '.' ? 'dot' : name
    assert.equal(
      (await api.put(`/v1/roles/${role}`, { title: 'A', privileged: false, permissions: [] })).statusCode,
      200,
    )
    assert.equal((await api.get(`/v1/roles/${role}`)).json().role, role)
    assert.equal((await api.put(`${path}/roles/${role}`)).statusCode, 200)
    assert.equal((await api.put(`${path}/preferences/${role}`, { value: 'kept' })).statusCode, 200)
    const shown = await api.get(path)
    assert.match(shown.body, new RegExp(`"${role}":"kept"`))
    assert.equal((await api.del(`${path}/preferences/${role}`)).statusCode, 200)
    assert.equal((await api.get(path)).json().preferences[role] === 'kept', false)
  }
})

test('what is nowhere is 404, slight variations of what exists among it', async () => {
  const nowhere = [
    '/',
    '/v1',
    '/v1/',
    '/v2/users',
    '/v1/user',
    '/V1/users',
    '/v1/Users',
    '/v1/users/',
    '/v1/users/1/',
    '//v1/users/1',
    '/v1//users/1',
    '/v1/users//1',
    '/v1/users/1//permissions',
    '/v1/users/1/permissions/',
    '/v1/users/1/unknown',
    '/v1/roles/',
    '/health',
    '/health/live/',
    '/metrics',
    '/.env',
    '/docs/../etc/passwd',
    '/__proto__',
    '/v1/__proto__',
  ]
  for (const url of nowhere) {
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const answer = await api.ask({ method, url })
      // An empty parameter is a parameter that is malformed.
      const empty = /\/(users|roles|permissions)\/$|\/users\/\/1$|users\/\/|permissions\/$/.test(url)
      assert.ok([404, ...(empty ? [400, 405] : [])].includes(answer.statusCode), `${method} ${url} ${answer.body}`)
      if (answer.statusCode === 404) assert.equal(answer.json().code, 'not-found', url)
    }
  }
})

test('every path of the document answers every other method with 405 and says which it takes', async () => {
  const before = await written(service)
  for (const [path, operations] of Object.entries(api.document.paths)) {
    const taken = Object.keys(operations).map((method) => method.toUpperCase())
    if (taken.includes('GET')) taken.push('HEAD')
    const url = path.replace('{userId}', '1').replace(/\{[^}]+\}/g, 'a')
    for (const method of METHODS.filter((one) => one !== 'CONNECT' && !taken.includes(one))) {
      const answer = await service.app.inject({ method: method as Method, url })
      assert.equal(answer.statusCode, 405, `${method} ${url}`)
      assert.equal(answer.headers.allow, taken.sort().join(', '), `${method} ${url}`)
      assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8')
      if (method !== 'HEAD') assert.equal(answer.json().code, 'method-not-allowed')
    }
  }
  assert.deepEqual(await written(service), before)
})

test('a part of the path that no pattern could allow is 414 with no word of what it was', async () => {
  for (const url of [`/v1/users/by-username/${SECRET.repeat(200)}`, `/v1/users/${SECRET.repeat(200)}/suspend`]) {
    await refuses(url.slice(0, 60), { method: 'GET', url }, { status: 414, code: 'uri-too-long' })
  }
  const long = `/v1/users/by-username/${SECRET.repeat(40)}`
  await refuses('300 characters', { method: 'GET', url: long }, { ...at('/username'), in: 'path' })
})

test('a sane X-Request-Id comes back, in the problem and in the audit too; any other is replaced', async () => {
  for (const id of ['a', 'till-7.receipt_9', 'x'.repeat(64)]) {
    assert.equal((await api.get('/v1/users/1', { 'x-request-id': id })).headers['x-request-id'], id)
    const problem = await api.get('/v1/users/0', { 'x-request-id': id })
    assert.equal(problem.json().requestId, id)
    const router = await api.get('/v1/users/%zz', { 'x-request-id': id })
    assert.equal(router.json().requestId, id)
  }
  const command = { 'x-request-id': 'audited-1' }
  await api.post('/v1/users', { username: 'audited', ...NAMES }, command)
  assert.equal((await service.query("SELECT audit_id FROM user_audit WHERE request_id = 'audited-1'")).length, 1)
  const insane = [
    '',
    ' ',
    'a b',
    'x'.repeat(65),
    "a'; DROP TABLE users",
    '<b>',
    'é',
    'a/b',
    'a,b',
    '{"a":1}',
    '../..',
    'a\tb',
  ]
  for (const id of [...insane, ['a', 'b']]) {
    const answer = await api.get('/v1/users/0', { 'x-request-id': id })
    assert.match(String(answer.headers['x-request-id']), /^[0-9a-f]{8}-[0-9a-f-]{27}$/, String(id))
  }
})

test('a role that makes no sense is refused by name', async () => {
  const good = { title: 'A', privileged: false, permissions: [] }
  const permission = { permission: 'a', effect: 'allow' }
  const table: [unknown, string][] = [
    [{ ...good, title: '' }, '/title'],
    [{ ...good, title: null }, '/title'],
    [{ ...good, title: TOO_LONG }, '/title'],
    [{ ...good, privileged: 'no' }, '/privileged'],
    [{ ...good, privileged: 0 }, '/privileged'],
    [{ ...good, permissions: null }, '/permissions'],
    [{ ...good, permissions: {} }, '/permissions'],
    [{ ...good, permissions: ['a'] }, '/permissions/0'],
    [{ ...good, permissions: [permission, { ...permission, permission: 'a b' }] }, '/permissions/1/permission'],
    [{ ...good, permissions: [{ ...permission, effect: SECRET }] }, '/permissions/0/effect'],
    [
      { ...good, permissions: Array.from({ length: 201 }, (_, i) => ({ ...permission, permission: `p${i}` })) },
      '/permissions',
    ],
    [{ privileged: false, permissions: [] }, '/title'],
    [{ ...good, role: 'other' }, '/role'],
  ]
  for (const [body, pointer] of table) {
    await refuses(pointer, { method: 'PUT', url: '/v1/roles/odd', body }, at(pointer))
  }
})
