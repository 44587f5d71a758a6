import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Call, changes } from '../api/documented.ts'
import { lastFirst } from '../contract/rig.ts'
import { rawRequest, sendRaw } from './raw.ts'
import { comparable, startTarget, type Target } from './rig.ts'

let target: Target
const ends: (() => unknown)[] = []
const t = lastFirst({ after: (end) => void ends.push(end) })
before(async () => {
  target = await startTarget(t)
  await target.done('PUT', '/v1/roles/cashier', { title: 'Cashier', privileged: false, permissions: [] })
  for (const username of ['zofia.wojcik', 'second.person']) await target.somebody({ username, homeBranchId: 'B001' })
  await target.service.drained()
})
after(async () => {
  for (const end of ends) await end()
})

/** What an answer was before, and is to be again. */
async function untouched(): Promise<() => Promise<void>> {
  const urls = ['/v1/users/2', '/v1/users?limit=200', '/v1/roles', '/v1/users/2/permissions']
  const shown = async () => Promise.all(urls.map(async (url) => (await target.done('GET', url)).text))
  const before = await shown()
  return async () => assert.deepEqual(await shown(), before)
}

// ── Prototypes ──────────────────────────────────────────────────────────────────────────────────────────────────────

const CLEAN = Object.getOwnPropertyNames(Object.prototype).sort()
function assertClean(about: string): void {
  for (const one of [Object.prototype, Array.prototype, Function.prototype, String.prototype])
    assert.ok(!('polluted' in one), about)
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), CLEAN, about)
}

const POISONS = [
  '{"__proto__":{"polluted":true}}',
  '{"__proto__":{"status":"terminated","privileged":true,"scope":"operate"}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"__proto__":null}',
  '{"__proto__":[]}',
  '{"\\u005f\\u005fproto\\u005f\\u005f":{"polluted":true}}',
  '{"a":{"__proto__":{"polluted":true}}}',
  '[{"__proto__":{"polluted":true}}]',
  '{"prototype":{"polluted":true}}',
  '{"toString":"polluted","valueOf":"polluted","hasOwnProperty":"polluted"}',
  '{"__defineGetter__":"polluted","__lookupGetter__":"polluted"}',
]

test('a body that reaches for what all objects share is refused, wherever it does; others notice nothing', async () => {
  const check = await untouched()
  for (const call of target.calls.filter(changes).filter(({ body }) => body !== undefined)) {
    const before = await target.written()
    const inside = JSON.stringify(call.body)
    for (const poison of POISONS) {
      const mixed = poison.startsWith('{') ? `${inside.slice(0, -1)},${poison.slice(1)}` : poison
      for (const raw of [poison, mixed]) {
        const { status, text } = await target.send(call.method, call.url, { raw })
        assert.equal(status, 400, `${call.name} ${raw}: ${text}`)
        assertClean(raw)
      }
    }
    assert.deepEqual(await target.written(), before, call.name)
  }
  await check()
})

test('so is a query or a header of such a name', async () => {
  const check = await untouched()
  const names = ['__proto__', '__proto__[polluted]', '__proto__.polluted', 'constructor[prototype][polluted]']
  const more = [
    'constructor.prototype.polluted',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__proto__%5bpolluted%5d',
  ]
  for (const call of target.calls.filter(({ template }) => template.startsWith('/v1'))) {
    for (const name of [...names, ...more]) {
      const { status, text } = await target.send(call.method, `${call.url}?${name}=true`, { body: call.body })
      assert.equal(status, 400, `${call.name}?${name}: ${text}`)
      assertClean(name)
    }
  }
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    const answer = await target.send('GET', '/v1/users/2', { headers: { [name]: '{"polluted":true}' } })
    assert.equal(answer.status, 200, name)
    assertClean(name)
  }
  await check()
})

test('what is called as that is a name like any other, where names are the callers’ to choose', async () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf']
  const preferencesOfAnother = async () => (await target.done('GET', '/v1/users/2')).json().preferences
  const before = await preferencesOfAnother()
  for (const name of names) {
    const defined = { title: 'Odd', privileged: false, permissions: [{ permission: name, effect: 'allow' }] }
    await target.done('PUT', `/v1/roles/${name}`, defined)
    await target.done('PUT', `/v1/users/1/roles/${name}`)
    await target.done('PUT', `/v1/users/1/preferences/${name}`, { value: name })
    assert.equal((await target.send('PUT', `/v1/users/1/limits/${name}`, { body: { value: 1 } })).code, 'limit-unknown')
    assert.equal((await target.send('GET', `/v1/users/2/permissions/${name}`)).json().decision, 'deny', name)
    assert.equal((await target.send('GET', `/v1/users/1/permissions/${name}`)).json().decision, 'allow', name)
    assert.equal((await target.send('GET', `/v1/users/by-username/${name}`)).status, 404)
    assert.equal((await target.send('GET', `/v1/branches/${name.replaceAll('_', '-')}/users`)).status, 200)
    for (const what of ['breakers', 'strangler/routes'])
      assert.ok([400, 404].includes((await target.send('DELETE', `/v1/${what}/${name}`)).status), what)
    assertClean(name)
  }
  const { text } = await target.done('GET', '/v1/users/1')
  const shown = JSON.parse(text)
  for (const name of names) {
    assert.ok(Object.hasOwn(shown.preferences, name), name)
    assert.equal(Object.getOwnPropertyDescriptor(shown.preferences, name)?.value, name)
    assert.ok(shown.roles.some(({ role }: { role: string }) => role === name))
  }
  assert.deepEqual(await preferencesOfAnother(), before)
  const named = (await target.done('GET', '/v1/users/1/history?limit=200')).text
  for (const name of names) assert.ok(named.includes(`"preferences.${name}"`), name)
})

// ── Statements, scripts and lines ───────────────────────────────────────────────────────────────────────────────────

const TEXTS = [
  ...[
    "' OR '1'='1",
    "1' OR '1'='1' --",
    "'; DROP TABLE users; --",
    "' UNION SELECT * FROM user_audit --",
    '" OR ""="',
    "\\' OR 1=1",
  ],
  ...[
    "1; UPDATE users SET status='terminated'",
    "x'||(SELECT 1)||'",
    "admin'/*",
    "' AND SLEEP(5) --",
    '1) OR (1=1',
    '%',
    '_%',
    '*',
  ],
  ...[
    "'..redis.call('flushall')..'",
    '"); redis.call("flushall") --',
    'return redis.call("keys","*")',
    '\u0024{jndi:ldap://x/y}',
    '{{7*7}}',
  ],
  ...[
    '\u0024{7*7}',
    '#{7*7}',
    '<script>alert(1)</script>',
    '"><img src=x>',
    '$(reboot)',
    '`reboot`',
    '| reboot',
    '; reboot',
    '\\x00',
  ],
  ...[
    '{"$gt":""}',
    '[$ne]=1',
    '*)(uid=*))(|(uid=*',
    '../../../../etc/passwd',
    '..\\..\\windows',
    'file:///etc/passwd',
    '%2e%2e%2f',
  ],
  ...['a\tb', 'a\u00a0b', '\u202eevil', '\ufeff', 'ß'.repeat(20), '😀', 'e\u0301', '\u0000', 'x\u0000y', '\ud800'],
]

/** Each call of the document, with the text in place of one of its parts that is one. */
function* withText(call: Call, text: string): Generator<{ what: string; url: string; body: unknown }> {
  const sent = encodeURIComponent(text.toWellFormed())
  for (const { name, in: place, example } of call.parameters) {
    if (place === 'path') {
      const url = call.url.replace(new RegExp(`/${encodeURIComponent(String(example))}(?=/|$)`), `/${sent}`)
      yield { what: `path ${name}`, url, body: call.body }
    }
    if (place === 'query') yield { what: `query ${name}`, url: `${call.url}?${name}=${sent}`, body: call.body }
  }
  for (const name of Object.keys(call.fields))
    yield { what: `body ${name}`, url: call.url, body: { ...(call.body as object), [name]: text } }
}

test('texts that mean something to SQL, Redis, Lua, a shell or a page are texts, or are refused', async () => {
  const outcomes = new Map<number, number>()
  for (const call of target.calls.filter(({ template }) => template.startsWith('/v1'))) {
    for (const text of TEXTS) {
      for (const { what, url, body } of withText(call, text)) {
        const answer = await target.send(call.method, url, { body })
        outcomes.set(answer.status, (outcomes.get(answer.status) ?? 0) + 1)
        const about = `${call.name} ${what} ${JSON.stringify(text)}: ${answer.status} ${answer.text.slice(0, 300)}`
        assert.ok([200, 201, 400, 403, 404, 409, 422].includes(answer.status), about)
        if (answer.status >= 400) assert.doesNotMatch(answer.text, /SQL|sqlite|syntax|ERR |redis\.|\bat \//, about)
      }
    }
  }
  assert.ok((outcomes.get(400) ?? 0) > 500 && (outcomes.get(200) ?? 0) > 50, JSON.stringify([...outcomes]))
  assert.equal((await target.done('GET', '/v1/users/2')).json().username, 'second.person')
  const people = await target.service.query('SELECT username FROM users ORDER BY username')
  assert.deepEqual(
    people.map(({ username }) => username),
    ['new.colleague', 'second.person', 'zofia.wojcik'],
  )
  // Redis was not emptied either.
  assert.match((await target.done('GET', '/v1/users/2')).lines.join('\n'), /read-from: (near|redis)/i)
})

test('a text that is taken is given back as it was, to the last character', async () => {
  for (const text of TEXTS) {
    const put = await target.send('PUT', '/v1/users/2/preferences/text', { body: { value: text } })
    if (put.status === 400) continue
    assert.equal(put.status, 200, put.text)
    const shown = (await target.done('GET', '/v1/users/2')).json()
    assert.equal(shown.preferences.text, text)
  }
})

test('what a search is for is no pattern: signs that mean many things elsewhere find what is written so', async () => {
  for (const q of ['%', '_', '*', '?', '[a-z]', '.*', 'le%', '^l', '(', '\\', "'"]) {
    const answer = await target.send('GET', `/v1/users?q=${encodeURIComponent(q)}`)
    assert.deepEqual([answer.status, answer.json().items], [200, []], q)
  }
})

test('nothing that is sent becomes a line of an answer’s head', async () => {
  const split = [
    'x%0d%0aX-Injected:%201',
    'x%0aX-Injected:%201',
    'x%0d%0a%0d%0aHTTP/1.1%20200%20OK',
    'x%e5%98%8a%e5%98%8dX-Injected:1',
    'x%00X-Injected:1',
  ]
  const authorization = `Authorization: Bearer ${target.service.token}`
  for (const call of target.calls.filter(({ template }) => template.startsWith('/v1'))) {
    for (const text of split) {
      const urls = [
        `${call.url}?x=${text}`,
        ...call.parameters.flatMap(({ name, in: place, example }) =>
          place === 'path'
            ? [call.url.replace(new RegExp(`/${encodeURIComponent(String(example))}(?=/|$)`), `/${text}`)]
            : [`${call.url}?${name}=${text}`],
        ),
      ]
      for (const url of urls) {
        const { head, all } = await sendRaw(target.base, rawRequest(String(call.method), url, [authorization]))
        assert.doesNotMatch(head, /injected/i, url)
        assert.equal(all.match(/HTTP\/1\.1 \d{3}/g)?.length, 1, url)
      }
    }
  }
})

test('nor do headers that are sent come back, but for a request id of plain characters', async () => {
  const ids = [
    'a b',
    'x\tX-Injected: 1',
    '<script>',
    'é',
    `${'x'.repeat(65)}`,
    '"',
    "'",
    '%0d%0aX-Injected: 1',
    '',
    '{}',
    '\u00a0',
  ]
  // A copy may have come, or gone, since the last time.
  const told = (lines: string[]) => comparable(lines).filter((line) => !/^read-from:/i.test(line))
  const plain = told((await target.done('GET', '/v1/users/2')).lines)
  for (const id of ids) {
    const headers = {
      'x-request-id': Buffer.from(id).toString('latin1'),
      'if-none-match': '"evil"',
      origin: 'https://evil.example',
    }
    const answer = await target.send('GET', '/v1/users/2', { headers })
    assert.deepEqual(told(answer.lines), plain, id)
    assert.match(answer.lines.find((line) => /^x-request-id/i.test(line)) ?? '', /^x-request-id: [0-9a-f-]{36}$/i, id)
  }
  const raw = rawRequest('GET', '/v1/users/2', [
    'X-Request-Id: a',
    'X-Request-Id: b',
    `Authorization: Bearer ${target.service.token}`,
  ])
  assert.match((await sendRaw(target.base, raw)).head, /x-request-id: [0-9a-f-]{36}/i)
})
