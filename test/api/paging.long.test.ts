import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { startService, type TestService, until } from '../support/service.ts'
import { PATIENT } from '../support/unhurried.ts'
import { type Api, apiClient } from './client.ts'

const SEED = 20_240_501
const RUNS = 8
/** Pages of one walk are far fewer; a walk that never ends must end the test. */
const MAX_PAGES = 500

let service: TestService
let api: Api
before(async () => {
  // A search that is late is refused, and a machine that runs tests is late at times.
  service = await startService({ environment: { REDIS_READ_DEADLINE_MS: PATIENT.REDIS_READ_DEADLINE_MS } })
  api = await apiClient(service.app)
  await api.role('walker', 'a')
})
after(() => service?.close())

type Page = { items: { userId: number }[]; nextCursor: string | null }
const withQuery = (list: string, query: string) => `${list}${list.includes('?') ? '&' : '?'}${query}`

async function page(list: string, limit: number | null, cursor: string | null): Promise<Page> {
  const query = [limit === null ? '' : `limit=${limit}`, cursor === null ? '' : `cursor=${cursor}`]
  const answer = await api.get(withQuery(list, query.filter((part) => part !== '').join('&')))
  assert.equal(answer.statusCode, 200, answer.body)
  const body: Page = answer.json()
  assert.ok(body.items.length <= (limit ?? 50))
  return body
}

/** All ids of a list, page by page; `between` runs before each page but the first. */
async function walk(list: string, limit: number, between: () => Promise<void> = async () => undefined) {
  const ids: number[] = []
  let cursor: string | null = null
  for (let n = 0; n < MAX_PAGES; n += 1) {
    const { items, nextCursor }: Page = await page(list, limit, cursor)
    ids.push(...items.map(({ userId }) => userId))
    if (nextCursor === null) return ids
    cursor = nextCursor
    await between()
  }
  throw new Error(`${list} does not end`)
}

let crews = 0
/** Users who work at a branch of their own, hold a role and share the beginning of a name: in each kind of list. */
async function crew(size: number) {
  crews += 1
  const branchId = `C${crews}`
  const prefix = `Crew${String.fromCodePoint(96 + crews).repeat(3)}`
  const join = async (familyName: string) => {
    const userId = await api.somebody({ homeBranchId: branchId, familyName, givenName: 'Ann' })
    await api.put(`/v1/users/${userId}/roles/walker?branchId=${branchId}`)
    return userId
  }
  const ids: number[] = []
  for (let i = 0; i < size; i += 1) ids.push(await join(`${prefix} ${String.fromCodePoint(97 + ((i * 7) % 26))}`))
  return { branchId, prefix, ids, join }
}
const listsOf = ({ branchId, prefix }: { branchId: string; prefix: string }) => [
  `/v1/branches/${branchId}/users`,
  `/v1/users?branchId=${branchId}`,
  `/v1/users?branchId=${branchId}&role=walker`,
  `/v1/users?branchId=${branchId}&status=active`,
  `/v1/users?q=${prefix}`,
  `/v1/users?q=${prefix}&branchId=${branchId}&status=active&role=walker`,
]

test('whatever the page size, a walk shows each user once, by id, or with q by name', async () => {
  const { ids, ...made } = await crew(13)
  for (const list of listsOf(made)) {
    const whole = await walk(list, 200)
    assert.deepEqual(
      whole.toSorted((a, b) => a - b),
      ids,
      list,
    )
    if (!list.includes('q=')) assert.deepEqual(whole, ids, list)
    for (const limit of [1, 2, 12, 13, 14]) assert.deepEqual(await walk(list, limit), whole, `${list} ${limit}`)
  }
  const { items } = await page(`/v1/users?q=${made.prefix}`, 200, null)
  const names = items.map((item) => (item as unknown as { familyName: string }).familyName)
  assert.deepEqual(names, names.toSorted())
})

test('a full last page says that it is the last, and an empty list has one page', async () => {
  const { branchId } = await crew(4)
  const list = `/v1/branches/${branchId}/users`
  const first = await page(list, 2, null)
  assert.notEqual(first.nextCursor, null)
  assert.equal((await page(list, 2, first.nextCursor)).nextCursor, null)
  assert.deepEqual(await page('/v1/branches/nowhere/users', 2, null), { items: [], nextCursor: null })
})

type Step = { kind: 'join' | 'rename' | 'leave' | 'suspend' | 'delete'; whom: number }
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('join', 'rename', 'leave', 'suspend', 'delete'),
  whom: fc.nat({ max: 5 }),
})

test('while others come, go and change their names, a walk loses no user who stays, and repeats none', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 4 }),
    fc.nat({ max: 5 }),
    fc.array(step, { minLength: 4, maxLength: 10 }),
    async (limit, which, steps) => {
      const { ids, join, ...made } = await crew(12)
      // Every other user is touched; the six between them are not.
      const touched = ids.filter((_, i) => i % 2 === 0)
      const untouched = ids.filter((_, i) => i % 2 === 1)
      const list = listsOf(made)[which] ?? ''
      const plan = [...steps]
      const seen = await walk(list, limit, async () => {
        const next = plan.shift()
        if (next) await take(next, touched, made, join)
      })
      const stayed = seen.filter((id) => untouched.includes(id))
      assert.deepEqual(
        stayed.toSorted((a, b) => a - b),
        untouched,
        list,
      )
      // By id nobody can come twice at all; by name, who is renamed may be met again further on.
      if (!list.includes('q=')) assert.equal(new Set(seen).size, seen.length, list)
    },
  )
  await fc.assert(property, { seed: SEED, numRuns: RUNS })
})

async function take(
  { kind, whom }: Step,
  touched: number[],
  { branchId, prefix }: { branchId: string; prefix: string },
  join: (name: string) => Promise<number>,
): Promise<void> {
  const userId = touched[whom] ?? 0
  const path = `/v1/users/${userId}`
  if (kind === 'join') await join(`${prefix} m`)
  if (kind === 'rename') await api.patch(path, { familyName: `${prefix} ${whom % 2 ? 'a' : 'z'}` })
  if (kind === 'suspend') await api.post(`${path}/suspend`)
  if (kind === 'leave') {
    await api.put(`${path}/branches/elsewhere`, { home: true })
    await api.del(`${path}/roles/walker?branchId=${branchId}`)
    await api.del(`${path}/branches/${branchId}`)
  }
  if (kind === 'delete') {
    for (const table of ['user_roles', 'user_branches', 'users']) {
      await service.sql(`DELETE FROM ${table} WHERE user_id = ?`, userId)
    }
  }
}

test('a cursor outlives the user it stands on, and another page size', async () => {
  const { branchId, ids } = await crew(6)
  const list = `/v1/branches/${branchId}/users`
  const { nextCursor } = await page(list, 2, null)
  await api.post(`/v1/users/${ids[1]}/terminate`)
  assert.deepEqual(
    (await page(list, 3, nextCursor)).items.map(({ userId }) => userId),
    ids.slice(2, 5),
  )
  assert.deepEqual(
    (await page(list, null, nextCursor)).items.map(({ userId }) => userId),
    ids.slice(2),
  )
})

test('a walk that begins on the read models ends on the database when they are gone', async () => {
  const { branchId, ids } = await crew(6)
  const list = `/v1/branches/${branchId}/users`
  const first = await page(list, 2, null)
  await service.redis.flush()
  const rest = await page(list, 200, first.nextCursor)
  assert.deepEqual(
    [...first.items, ...rest.items].map(({ userId }) => userId),
    ids,
  )
  await service.built()
})

async function cursorOf(list: string): Promise<string> {
  const { nextCursor } = await page(list, 1, null)
  assert.ok(nextCursor !== null)
  return nextCursor
}
async function refusedCursor(list: string, cursor: string, code: string): Promise<void> {
  const answer = await api.get(withQuery(list, `cursor=${encodeURIComponent(cursor)}`))
  assert.equal(answer.statusCode, 400, `${list} ${cursor}: ${answer.body}`)
  assert.equal(answer.json().code, code, cursor)
  assert.deepEqual(answer.json().errors[0].in, 'query')
  assert.deepEqual(answer.json().errors[0].pointer, '/cursor')
}

test('a cursor is good for its own list and filters only', async () => {
  const made = await crew(3)
  const lists = listsOf(made)
  for (const list of lists) {
    const cursor = await cursorOf(list)
    for (const other of ['/v1/users', ...lists, `/v1/users?q=${made.prefix}&status=suspended`]) {
      // The roster is the list of the branch's active users, so these two are one list.
      const pair = [lists[0], lists[3]]
      if (other === list || (pair.includes(list) && pair.includes(other))) continue
      await refusedCursor(other, cursor, 'invalid-cursor')
    }
  }
})

test('a damaged cursor is refused with a code', async () => {
  const { branchId } = await crew(3)
  const list = `/v1/branches/${branchId}/users`
  const cursor = await cursorOf(list)
  const [, hash] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [number, string, string]
  const encode = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url')
  const damaged = [
    cursor.slice(0, cursor.length / 2),
    cursor.slice(1),
    cursor.slice(0, -3),
    `${cursor.slice(0, 12)}${cursor[12] === 'A' ? 'B' : 'A'}${cursor.slice(13)}`,
    `x${cursor}`,
    `${cursor}A`,
    `${cursor}AA`,
    encode([2, hash, '1']),
    encode([1, hash]),
    encode([1, hash, 1]),
    encode([1, hash, '1', '1']),
    encode([1, 'AAAAAAAA', '1']),
    encode({ 0: 1, 1: hash, 2: '1' }),
    encode(null),
    encode('[1]'),
    Buffer.from('['.repeat(500)).toString('base64url'),
    Buffer.from([0xff, 0x00, 0xfe]).toString('base64url'),
    '-',
    'null',
  ]
  for (const wrong of damaged) await refusedCursor(list, wrong, 'invalid-cursor')
  const malformed = ['', ' ', `${cursor}=`, 'a+b', 'a/b', '\0', 'é', 'x'.repeat(1025), '; DROP TABLE users']
  for (const wrong of malformed) await refusedCursor(list, wrong, 'invalid-request')
})

test('a forged key in a cursor is refused, or leads to an answer; never to a fault or to users twice', async () => {
  const made = await crew(3)
  const keys = ['', '0', '-1', '1e3', '0x10', '1e400', '9007199254740993', 'NaN', '1 OR 1=1', "'", '\0', '\uffff', '[']
  for (const list of listsOf(made)) {
    const [version, hash] = JSON.parse(Buffer.from(await cursorOf(list), 'base64url').toString()) as [number, string]
    const forged = (key: string) => Buffer.from(JSON.stringify([version, hash, key])).toString('base64url')
    for (const key of keys) await refusedCursor(list, forged(key), 'invalid-cursor')
    for (const key of list.includes('q=')
      ? [`\0${'0'.repeat(16)}`, `\uffff\0${'9'.repeat(16)}`]
      : ['1', '9007199254740991']) {
      const { items } = await page(list, 50, forged(key))
      const ids = items.map(({ userId }) => userId)
      assert.equal(new Set(ids).size, ids.length)
      assert.ok(
        ids.every((id) => made.ids.includes(id)),
        `${list} ${JSON.stringify(key)}`,
      )
    }
  }
})

test('the page size is 1 to 200, and 50 when absent', async () => {
  const wrong = [
    '0',
    '-1',
    '201',
    '1e9',
    '1000000000',
    'abc',
    '',
    '01',
    '1.0',
    '+5',
    ' 5',
    '0x10',
    '１２',
    'Infinity',
    'null',
  ]
  for (const list of ['/v1/users', '/v1/branches/B1/users']) {
    for (const limit of wrong) {
      const answer = await api.get(`${list}?limit=${encodeURIComponent(limit)}`)
      assert.equal(answer.statusCode, 400, limit)
      assert.deepEqual(answer.json().errors, [
        { in: 'query', pointer: '/limit', detail: 'must be an integer, 1 to 200' },
      ])
    }
  }
  for (let n = 1; n <= 210; n += 1) {
    await service.sql(
      `INSERT INTO users (username, given_name, family_name, status, created_at, updated_at)
       VALUES (?, 'Bulk', 'Bulk', 'active', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
      `bulk.${n}`,
    )
  }
  await until('all are projected', async () => (await page('/v1/users', 200, null)).items.length === 200)
  assert.equal((await page('/v1/users', null, null)).items.length, 50)
  assert.equal((await page('/v1/users', 1, null)).items.length, 1)
})

test('ids keep their order, each once, say who is missing, and are 100 at most', async () => {
  const [a, b] = [await api.somebody(), await api.somebody()]
  const answer = await api.get(`/v1/users?ids=${b},777777,${a},${b}`)
  assert.deepEqual(
    answer.json().items.map(({ userId }: { userId: number }) => userId),
    [b, a],
  )
  assert.deepEqual([answer.json().missing, answer.json().nextCursor], [[777777], null])
  const ids = (n: number) => Array.from({ length: n }, (_, i) => 5_000_000 + i).join()
  assert.equal((await api.get(`/v1/users?ids=${ids(100)}`)).json().missing.length, 100)
  for (const wrong of [ids(101), '', ',', '1,', '0', '-1', '1,,2', '9'.repeat(17), 'a', '1;2', '1%2C0', '1 OR 1=1']) {
    const refused = await api.get(`/v1/users?ids=${encodeURIComponent(wrong)}`)
    assert.equal(refused.statusCode, 400, wrong)
    assert.equal(refused.json().errors[0].pointer, '/ids')
  }
})
