import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { changes } from '../api/documented.ts'
import { lastFirst } from '../contract/rig.ts'
import { developmentToken } from '../support/tokens.ts'
import { rawRequest, sendRaw } from './raw.ts'
import { comparable, ofUser, startTarget, type Target } from './rig.ts'

let target: Target
const ends: (() => unknown)[] = []
const t = lastFirst({ after: (end) => void ends.push(end) })
before(async () => {
  target = await startTarget(t)
  for (let i = 1; i <= 12; i += 1) await target.somebody({ homeBranchId: 'B001' })
})
after(async () => {
  for (const end of ends) await end()
})

const LARGEST = '9007199254740991'
/** What some language or other takes for a number, or for several; as it stands in a path. */
const ODD = [
  ...['0', '-1', '+1', '01', '001', '1.0', '1.', '.1', '1e0', '1E0', '1e1', '0x1', '0b1', '0o1', '1_0', '1n'],
  ...[
    '9007199254740992',
    '9007199254740993',
    '18014398509481984',
    '9223372036854775808',
    '18446744073709551617',
    '1'.repeat(17),
  ],
  ...[
    '1'.repeat(400),
    `1${'0'.repeat(300)}`,
    'NaN',
    'Infinity',
    '-0',
    'null',
    'undefined',
    'true',
    'me',
    'self',
    '*',
    '$1',
  ],
  ...[
    '%201',
    '1%20',
    '%091',
    '1%0a',
    '1%0d%0a',
    '1%00',
    '%001',
    '1%00.json',
    '1;2',
    '1;',
    '1,2',
    '1%2c2',
    '1&2',
    '1%262',
  ],
  ...[
    '1%2f2',
    '1%2F',
    '%2f1',
    '1%5c2',
    '..%2f1',
    '%2e%2e%2f1',
    '%5b1%5d',
    '[1]',
    '{1}',
    '%7b"id":1%7d',
    '1%23',
    '1%3f',
    '(1)',
  ],
  ...[
    '%d9%a1',
    '%ef%bc%91',
    '%c2%b9',
    '%e2%91%a0',
    '%f0%9d%9f%8f',
    '%e0%a5%a7',
    '1%e2%80%8b',
    '%e2%80%8b1',
    '%c2%a01',
    '%ef%bb%bf1',
  ],
  ...[
    "1'",
    '1"',
    '1--',
    '1%27%20OR%201=1',
    '1%20UNION%20SELECT',
    '$%7b1%7d',
    '%7b%7b1%7d%7d',
    '1|2',
    '1%7c2',
    '1+0',
    '2-1',
  ],
]

test('an id is what it is and nothing else: no other writing of a number is anybody', async () => {
  const calls = target.calls.filter(({ template }) => template.includes('{userId}'))
  assert.ok(calls.length > 15)
  const before = await target.written()
  for (const call of calls) {
    for (const id of ODD) {
      const { status, code, text } = await target.send(call.method, ofUser(call, id), { body: call.body })
      const isNone = (status === 400 && code === 'invalid-request') || (status === 404 && code === 'not-found')
      assert.ok(isNone, `${call.method} ${ofUser(call, id).slice(0, 120)}: ${status} ${text.slice(0, 200)}`)
    }
  }
  assert.deepEqual(await target.written(), before)
})

test('the same in a list of ids, where a comma is one', async () => {
  const isList = (id: string) => id === '1,2' || id === '1%2c2'
  for (const id of ODD.filter((one) => !isList(one) && !one.includes('&'))) {
    // A plus is a blank there (URL standard, application/x-www-form-urlencoded).
    const answer = await target.send('GET', `/v1/users?ids=${id}`)
    const isEnd = id.includes('#')
    assert.ok(answer.status === 400 || isEnd, `${id.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 100)}`)
  }
  const both = (await target.send('GET', `/v1/users?ids=1,${LARGEST},2`)).json()
  assert.deepEqual(
    [both.items.map(({ userId }: { userId: number }) => userId), both.missing],
    [[1, 2], [Number(LARGEST)]],
  )
})

test('an id that is written with escapes is that id, for the check as for the answer', async () => {
  const plain = await target.send('GET', '/v1/users/1')
  const escaped = await target.send('GET', '/v1/users/%31')
  assert.equal(escaped.text, plain.text)
  assert.equal((await target.send('GET', '/v1/users/%31', { token: null })).status, 401)
})

test('at the borders there is nobody, and nothing falls over', async () => {
  for (const id of [LARGEST, '9007199254740990', '4294967296', '2147483648', '2147483647']) {
    for (const call of target.calls.filter(({ template }) => template.includes('{userId}'))) {
      const { status, code, text } = await target.send(call.method, ofUser(call, id), { body: call.body })
      assert.deepEqual([status, code], [404, 'user-not-found'], `${call.name} ${id}: ${text}`)
    }
  }
})

test('who was deleted, and who never was, is the same to who may read', async () => {
  const gone = await target.somebody({ homeBranchId: 'B001', username: 'gone.person' })
  await target.service.drained()
  await target.send('GET', `/v1/users/${gone}`)
  for (const table of ['user_branches', 'users'])
    await target.service.sql(`DELETE FROM ${table} WHERE user_id = ?`, gone)
  await target.service.drained()
  const never = gone + 50
  const reads = target.calls.filter((call) => !changes(call) && call.scopes?.[0] === 'users:read')
  const token = await developmentToken(target.service.config, { scopes: ['users:read', 'users:pii'] })
  const shown = async (url: string, id: number | string, headers = {}) => {
    const { status, lines, text } = await target.send('GET', url, {
      token,
      headers: { 'x-request-id': 'same', ...headers },
    })
    return { status, lines: comparable(lines), text: text.replaceAll(String(id), '‹id›') }
  }
  for (const call of reads.filter(({ template }) => template.includes('{userId}'))) {
    // Not Min-Version: who is gone has a version, and that header asks after it.
    for (const headers of [{}, { 'if-none-match': '*' }, { 'if-none-match': '"1.1.f.1"' }]) {
      // Twice: what is not known yet is looked up first.
      await shown(ofUser(call, never), never, headers)
      const about = `${call.name} ${JSON.stringify(headers)}`
      assert.deepEqual(
        await shown(ofUser(call, gone), gone, headers),
        await shown(ofUser(call, never), never, headers),
        about,
      )
    }
  }
  const byName = (name: string) => shown(`/v1/users/by-username/${name}`, name)
  assert.deepEqual(await byName('gone.person'), await byName('never.person'))
  const page = (await target.send('GET', `/v1/users?ids=${gone},${never}`, { token })).json()
  assert.deepEqual([page.items, page.missing], [[], [gone, never]])
})

test('whoever counts through ids that nobody has fills neither this process nor Redis', async (own) => {
  const redis = new Redis(target.service.redis.url)
  own.after(() => redis.disconnect())
  /** Of all keys, those that stay. */
  const staying = async () => {
    const keys = await redis.keys('*')
    const lives = await redis.pipeline(keys.map((key) => ['pttl', key])).exec()
    return { staying: (lives ?? []).filter(([, ms]) => ms === -1).length, passing: keys.length }
  }
  const ask = async (from: number, many: number) => {
    for (let id = from; id < from + many; id += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => target.send('GET', `/v1/users/${id + i}`)))
    }
  }
  await ask(1_000_000, 500)
  const [before, heap] = [await staying(), heapBytes()]
  await ask(1_100_000, 3_000)
  const [after, grown] = [await staying(), heapBytes() - heap]
  // Of each a key is kept for a minute, of no more than 50,000 at once (src/projections/user/scripts.long.test.ts).
  assert.ok(after.passing > before.passing + 2_500, 'they were really looked up')
  assert.ok(after.staying <= before.staying + 5, `${after.staying - before.staying} keys stay`)
  assert.ok(grown < 3_000 * MOST_BYTES_EACH, `${grown} bytes`)
})

/** Less than anything that would be kept of an id, with its key. */
const MOST_BYTES_EACH = 500
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

test('bytes that are no text in a path are nobody; no path is repeated by what refuses it', async () => {
  const authorization = `Authorization: Bearer ${target.service.token}`
  for (const path of [
    ...[
      '/v1/users/evil\xff',
      '/v1/users/evil\xc3\x28',
      '/v1/users/evil%ff',
      '/v1/users/by-username/evil%c3%28',
      '/v1/users/evil%',
    ],
    ...[
      '/v1/evil',
      '/v1/users/1/evil',
      '/v1/users/evil',
      '/evil',
      '/docs/evil',
      '/health/evil',
      '/v1/users?evil=evil%ff',
    ],
  ]) {
    const { status, all } = await sendRaw(target.base, rawRequest('GET', path, [authorization]))
    assert.ok(status === 400 || status === 404, `${path}: ${status}`)
    // A parameter is named by what is at fault with it, and its value is not.
    assert.doesNotMatch(all.replace('"/evil"', ''), /evil|\ufffd/, path)
  }
})
