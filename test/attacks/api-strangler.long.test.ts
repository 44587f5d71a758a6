import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { callsOf } from '../api/documented.ts'
import { lastFirst } from '../contract/rig.ts'
import { addUsers, answerWith, startFront, startLegacy } from '../strangler/rig.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { PATIENT } from '../support/unhurried.ts'
import { rawRequest, sendRaw } from './raw.ts'

type Front = Awaited<ReturnType<typeof startFront>>
type Seen = { target: string; headers: IncomingMessage['headers']; isUpgrade: boolean }

let front: Front
/** The same without a legacy application: what it answers with anything but "there is nothing" is a path that our router takes. */
let alone: Front
/** What the legacy application was asked. */
const seen: Seen[] = []
const context: { after: (end: () => unknown) => void; ends: (() => unknown)[] } = {
  ends: [],
  after: (end) => void context.ends.push(end),
}
const t = lastFirst({ after: (end) => context.after(end) })
before(async () => {
  const legacy = await startLegacy(t, (request, response) => {
    seen.push({ target: request.url ?? '', headers: request.headers, isUpgrade: false })
    answerWith(response, { legacy: true })
  })
  legacy.server.on('upgrade', (request, socket) => {
    seen.push({ target: request.url ?? '', headers: request.headers, isUpgrade: true })
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  })
  front = await startFront(t, legacy.url, { environment: PATIENT })
  alone = await startFront(t, null, { worker: false, environment: PATIENT })
  await addUsers(front.service, 1)
})
after(async () => {
  for (const end of context.ends) await end()
})

const UPGRADE = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']
/** As `rawRequest`, but asking for another protocol. */
const upgrading = (target: string, lines: string[] = []) =>
  rawRequest('GET', target, [...UPGRADE, ...lines]).replace('Connection: close', 'Connection: Upgrade, close')
const authorised = ({ token }: Front) => [`Authorization: Bearer ${token}`]

async function passedOn<Result>(work: () => Promise<Result>): Promise<{ result: Result; seen: Seen[] }> {
  const before = seen.length
  const result = await work()
  return { result, seen: seen.slice(before) }
}

const TARGETS = ['/v1/users/1', '/v1/breakers', '/v1/strangler/routes/get-user', '/docs/json', '/health/live', '/v1']
const hex = (text: string, i: number, upper = true) => {
  const code = (text.codePointAt(i) ?? 0).toString(16).padStart(2, '0')
  return `${text.slice(0, i)}%${upper ? code.toUpperCase() : code}${text.slice(i + 1)}`
}
const allHex = (text: string) =>
  [...text].map((letter) => (letter === '/' ? '/' : `%${letter.charCodeAt(0).toString(16)}`)).join('')

/** Ways to write a path that some server or other takes for the path itself. */
function* writings(path: string): Generator<string> {
  yield* [path, `${path}/`, `${path}//`, `/${path}`, `//${path}`, `${path};x`, `${path}#`, `${path}#x`, `${path}?`]
  yield* [`${path}?x=%zz`, `${path}?x=%ff`, `${path}?#`, `${path}%00`, `${path}%20`, `${path}%3f`, `${path}%23x`]
  yield* [path.toUpperCase(), path.replaceAll('/', '\\'), `/${path.slice(1).replaceAll('/', '\\')}`]
  yield* [path.replaceAll('/', '//'), path.replaceAll('/', '/./'), `/.${path}`, `/..${path}`, `/x/..${path}`]
  yield* [
    `/%2e${path}`,
    `/%2e%2e${path}`,
    `/x/%2e%2e${path}`,
    `/x/%252e%252e${path}`,
    `/x/..;${path}`,
    `/x/..;/..${path}`,
  ]
  yield* [
    `/health/..${path}`,
    `/docs/..${path}`,
    `/health/%2e%2e${path}`,
    `/docs/static/../..${path}`,
    `/users/1/../..${path}`,
  ]
  yield* [
    path.replace(/(?<=.)\//g, '%2f'),
    path.replaceAll('/', '%2F'),
    `/%2f${path.slice(1)}`,
    `/${allHex(path)}`.slice(1),
  ]
  yield* [allHex(path).replaceAll('%', '%25'), `*${path}`, `*${path.slice(1)}`, `*/${path.slice(1)}`, path.slice(1)]
  yield* [`http://h${path}`, `HTTP://h${path}`, `https://h:1${path}`, `http://u@h${path}`, `http://u:p@h${path}`]
  yield* [
    `http://h?${path}`,
    `http://h#${path}`,
    `http://h\\${path}`,
    `http://${path}`,
    `http:${path}`,
    `ftp://h${path}`,
  ]
  yield* [`http://h/..${path}`, `http://h//${path}`, `http://h/%2e%2e${path}`, `http://h?x${path}`, `//h${path}`]
  yield* [`${path}?access_token=x`, `${path}\u00a0`, `${path}\u00ff`, `\u00a0${path}`, path.replace('1', '\u00b9')]
  for (let i = 1; i < path.length; i += 1) {
    yield hex(path, i)
    yield hex(path, i, false)
    yield `${path.slice(0, i)};x${path.slice(i)}`
    yield `${path.slice(0, i)}%00${path.slice(i)}`
    yield `${path.slice(0, i)}%zz${path.slice(i)}`
    yield `${path.slice(0, i)}#${path.slice(i)}`
    yield `${path.slice(0, i)}?${path.slice(i)}`
    yield `${path.slice(0, i)}\t${path.slice(i)}`
  }
}

/** Open to everybody: pages that describe the API, and what asks of the process. */
const OPEN = [200, 302]

test('no writing of a path reaches what is ours without its check, nor the legacy application what our router takes', async () => {
  const [tried, taken] = [new Set<string>(), new Set<string>()]
  for (const path of TARGETS) {
    for (const target of writings(path)) {
      if (tried.has(target)) continue
      tried.add(target)
      const { result: asked, seen: passed } = await passedOn(() => sendRaw(front.base, rawRequest('GET', target)))
      const ours = await sendRaw(alone.base, rawRequest('GET', target, authorised(alone)))
      const isTaken = ours.status !== 0 && !/"code":"(not-found|invalid-request)"/.test(ours.body)
      const about = `${JSON.stringify(target)}: ${asked.status}, ours ${ours.status}, passed on ${JSON.stringify(passed)}`
      if (isTaken) taken.add(target)
      assert.ok(!isTaken || passed.length === 0, about)
      if (passed.length > 0) {
        assert.deepEqual([asked.status, passed.length], [200, 1], about)
        continue
      }
      const isOpen = /"(alive|openapi)"|text\/html/.test(asked.all)
      const refused = [400, 401, 404, 405]
      assert.ok(refused.includes(asked.status) || (isOpen && OPEN.includes(asked.status)), about)
    }
  }
  assert.ok(tried.size > 400, String(tried.size))
  // They are not all refused for a fault of these requests.
  for (const target of ['/v1/users/1', '/%761/users/1', 'http://u@h/v1/breakers', '*v1/breakers', '/v1/users/1?'])
    assert.ok(taken.has(target), target)
})

test('nor does an upgrade, which no route sees', async () => {
  for (const path of ['/v1/users/1', '/v1/none', '/health/live']) {
    for (const target of writings(path)) {
      const { seen: passed } = await passedOn(() => sendRaw(front.base, upgrading(target)))
      const ours = await sendRaw(alone.base, rawRequest('GET', target, authorised(alone)))
      const isTaken = ours.status !== 0 && !/"code":"(not-found|invalid-request)"/.test(ours.body)
      assert.ok(!isTaken || passed.length === 0, `${JSON.stringify(target)}: ${JSON.stringify(passed)}`)
    }
  }
  const { seen: passed } = await passedOn(() => sendRaw(front.base, upgrading('/ws')))
  assert.deepEqual(
    passed.map(({ isUpgrade }) => isUpgrade),
    [true],
  )
})

test('what is beneath our own paths is ours in every writing of their first part, with whatever behind it', async () => {
  for (const first of ['/v1', '/%76%31', '/v%31', 'http://h/v1', '*v1', '/docs', '/%64ocs', '/health', '/healt%68']) {
    for (const rest of [
      '/none',
      '/none?x=%zz',
      '?x=%zz',
      '#x',
      '/%zz',
      '/none/../..',
      '/%2e%2e/x',
      `/${'x'.repeat(2_000)}`,
    ]) {
      const { result, seen: passed } = await passedOn(() => sendRaw(front.base, rawRequest('GET', first + rest)))
      assert.deepEqual(passed, [], first + rest)
      assert.ok([200, 302, 400, 404, 414].includes(result.status), `${first}${rest}: ${result.status}`)
    }
  }
})

test('our limits hold for what is ours, in whatever writing', async () => {
  const long = `x=${'a'.repeat(9_000)}`
  const lines = Array.from({ length: 120 }, (_, i) => `X-${i}: 1`)
  for (const target of ['/v1/users', '/%76%31/users', '*v1/users', 'http://h/v1/users']) {
    const many = await sendRaw(front.base, rawRequest('GET', target, lines))
    assert.equal(many.status, 431, target)
    assert.equal((await sendRaw(front.base, rawRequest('GET', `${target}?${long}`))).status, 414, target)
    assert.equal((await sendRaw(front.base, rawRequest('GET', `${target}?%zz&${long}`))).status, 414, target)
  }
})

test('no operation of the document is passed on, whatever method is asked for', async () => {
  const document = (await front.ask('/docs/json')).json()
  for (const { method, url } of callsOf(document)) {
    for (const one of new Set([method, 'GET', 'POST', 'DELETE', 'PROPFIND', 'TRACE', 'OPTIONS'])) {
      const { result, seen: passed } = await passedOn(() => sendRaw(front.base, rawRequest(String(one), url)))
      assert.deepEqual(passed, [], `${one} ${url}`)
      assert.ok([200, 401, 405].includes(result.status), `${one} ${url}: ${result.status}`)
    }
  }
})

test('a token for this service stays here; what else says who asks is passed on as it came', async () => {
  const { seen: passed } = await passedOn(async () => {
    await sendRaw(front.base, rawRequest('GET', '/orders/', [...authorised(front), 'Cookie: session=1']))
    await sendRaw(front.base, rawRequest('GET', '/orders/', ['Authorization: Token 0123']))
    await sendRaw(front.base, upgrading('/ws', authorised(front)))
    // Taken over, and in mode legacy.
    await sendRaw(front.base, rawRequest('GET', '/users/1/', authorised(front)))
  })
  assert.deepEqual(
    passed.map(({ headers: { authorization, cookie } }) => [authorization, cookie]),
    [
      [undefined, 'session=1'],
      ['Token 0123', undefined],
      [undefined, undefined],
      [undefined, undefined],
    ],
  )
  const { seen: otherwise } = await passedOn(async () => {
    for (const scheme of ['Bearer\t', 'JWT ', 'Token ', '', 'Basic c2hvcA==, Bearer ', 'Bearer eyJ9.e30.x, Bearer '])
      await sendRaw(front.base, rawRequest('GET', '/orders/', [`Authorization: ${scheme}${front.token}`]))
  })
  assert.deepEqual(
    otherwise.map(({ headers }) => headers.authorization),
    Array(6).fill(undefined),
    'whatever stands before it',
  )
})

test('where the legacy application verifies such tokens it gets them, if that is said', async (context) => {
  const own = lastFirst(context)
  const legacy = await startLegacy(own, ({ headers }, response) => answerWith(response, headers))
  const environment = { ...PATIENT, LEGACY_TOKENS: 'passed' }
  const { base, token } = await startFront(own, legacy.url, { worker: false, environment })
  const answer = await sendRaw(base, rawRequest('GET', '/orders/', [`Authorization: Bearer ${token}`]))
  assert.ok(answer.body.includes(token))
})

test('nobody but the proxy that ends mutual TLS says who they are: not here, and not to the legacy application', async (context) => {
  const own = lastFirst(context)
  const legacy = await startLegacy(own, ({ headers }, response) => answerWith(response, headers))
  const said = [
    'X-Client-Subject: CN=till-7',
    'X-Forwarded-For: 10.9.9.9',
    'Forwarded: for=10.9.9.9',
    'X-Real-Ip: 10.9.9.9',
  ]
  for (const [proxies, isBelieved] of [
    ['10.9.9.9', false],
    ['127.0.0.1', true],
  ] as const) {
    const environment = {
      ...{ ...PATIENT, AUTH_IDENTITY_HEADER: 'X-Client-Subject', AUTH_IDENTITY_PROXIES: proxies },
      // Of whom more is believed, but not that.
      TRUSTED_PROXIES: '127.0.0.1',
    }
    const { base, service } = await startFront(own, legacy.url, { worker: false, environment })
    await service.sql(
      "INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at) VALUES (1, 'a.b', 'A', 'B', 'active', '2024-01-01 00:00:00.000', '2024-01-01 00:00:00.000')",
    )
    const status = isBelieved ? 200 : 401
    assert.equal((await sendRaw(base, rawRequest('GET', '/v1/users/1', said))).status, status)
    const { body } = await sendRaw(base, rawRequest('GET', '/orders/', said))
    assert.equal(/"x-client-subject":"(.*?)"/.exec(body)?.[1], isBelieved ? 'CN=till-7' : undefined)
    for (const folded of ['X_Client_Subject: root', 'x-client_subject: root', 'X-Client-Subject : root']) {
      const answer = await sendRaw(base, rawRequest('GET', '/orders/', [folded]))
      assert.ok(!answer.body.includes('root'), folded)
    }
  }
})

test('callers of the legacy application are none who failed to show a token: they are not counted, nor refused', async (context) => {
  const own = lastFirst(context)
  const legacy = await startLegacy(own)
  const environment = { ...PATIENT, RATE_LIMIT_REFUSALS: '2' }
  const { base, service, set } = await startFront(own, legacy.url, { environment })
  await addUsers(service, 1)
  await set('get-user', { mode: 'native' })
  const shows = ['X-None: 1', 'Authorization: Token 0123', 'Authorization: Basic dTpw', 'Authorization: Bearer a.b.c']
  for (const shown of shows) {
    for (let i = 0; i < 4; i += 1) {
      const answer = await sendRaw(base, rawRequest('GET', '/users/1/', [shown]))
      assert.deepEqual([answer.status, /answered-by: (\w+)/i.exec(answer.head)?.[1]], [200, 'legacy'], shown)
    }
  }
  const native = await sendRaw(base, rawRequest('GET', '/users/1/', [`Authorization: Bearer ${service.token}`]))
  assert.deepEqual([native.status, /answered-by: (\w+)/i.exec(native.head)?.[1]], [200, 'native'])
})

test('with an issuer that is down, only who shows its tokens is told so', async (context) => {
  const own = lastFirst(context)
  const issuer: TestIssuer = await startIssuer()
  own.after(issuer.close)
  issuer.answer('keys')
  const legacy = await startLegacy(own)
  const token = issuer.token({ scope: 'users:read users:pii operate' })
  const environment = { ...PATIENT, ...issuer.environment }
  const { base, service, set } = await startFront(own, legacy.url, { worker: false, environment, token })
  await addUsers(service, 0)
  await set('get-user', { mode: 'native' })
  issuer.answer({ kind: 'closed' })
  const theirs = issuer.token({ iss: 'https://elsewhere.example' }, { header: { kid: 'another' } })
  const answer = await sendRaw(base, rawRequest('GET', '/users/1/', [`Authorization: Bearer ${theirs}`]))
  assert.match(answer.head, /answered-by: legacy/i)
})
