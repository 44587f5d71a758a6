import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lastFirst } from '../contract/rig.ts'
import { type Answer, startTarget, type Target } from './rig.ts'

const PEOPLE = 12
let target: Target
const ends: (() => unknown)[] = []
const t = lastFirst({ after: (end) => void ends.push(end) })
before(async () => {
  target = await startTarget(t)
  for (let i = 1; i <= PEOPLE; i += 1) {
    const branch = i % 2 === 0 ? 'B001' : 'B002'
    const userId = await target.somebody({ homeBranchId: branch, familyName: `Lee ${String.fromCharCode(64 + i)}` })
    for (const jobTitle of ['One', 'Two', 'Three']) await target.done('PATCH', `/v1/users/${userId}`, { jobTitle })
  }
  await target.service.drained()
})
after(async () => {
  for (const end of ends) await end()
})

/** Lists that go on by cursors, each with its filter. */
const LISTS = [
  '/v1/users?limit=2',
  '/v1/users?limit=2&branchId=B001',
  '/v1/users?limit=2&branchId=B002',
  '/v1/users?limit=2&status=active',
  '/v1/users?limit=2&q=lee',
  '/v1/users?limit=2&q=lee&branchId=B001',
  '/v1/branches/B001/users?limit=2',
  '/v1/branches/B002/users?limit=2',
  '/v1/users/1/history?limit=2',
  '/v1/users/2/history?limit=2',
]
const at = (list: string, cursor: string): Promise<Answer> =>
  target.send('GET', `${list}&cursor=${encodeURIComponent(cursor)}`)
const cursorOf = async (list: string): Promise<string> => (await target.done('GET', list)).json().nextCursor

type Content = [version: number, filter: string, key: string]
const contentOf = (cursor: string): Content => JSON.parse(Buffer.from(cursor, 'base64url').toString())
const made = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url')

function assertRefused(answer: Answer, about: string): void {
  assert.deepEqual([answer.status, answer.json().items], [400, undefined], `${about}: ${answer.text.slice(0, 200)}`)
  assert.ok(['invalid-cursor', 'invalid-request'].includes(answer.code ?? ''), `${about}: ${answer.text}`)
}

/** Everybody whom a list shows, page by page. */
async function everythingIn(list: string): Promise<string[]> {
  const found: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const page = (next === '' ? await target.done('GET', list) : await at(list, next)).json()
    found.push(...page.items.map((item: object) => JSON.stringify(item)))
    next = page.nextCursor
  }
  return found
}

test('the cursor of one list is no other’s: not of other filters, of another branch, or of another user’s history', async () => {
  const cursors = await Promise.all(LISTS.map(cursorOf))
  assert.ok(cursors.every((cursor) => typeof cursor === 'string' && cursor.length > 10))
  for (const [i, list] of LISTS.entries()) {
    for (const [j, cursor] of cursors.entries()) {
      const answer = await at(list, cursor ?? '')
      if (i === j) assert.equal(answer.status, 200, list)
      else assertRefused(answer, `${list} with the cursor of ${LISTS[j]}`)
    }
  }
})

test('a cursor with a letter changed is refused, or goes on in the same list', async () => {
  for (const list of LISTS) {
    const cursor = await cursorOf(list)
    const all = new Set(await everythingIn(list))
    for (let i = 0; i < cursor.length; i += 1) {
      for (const letter of ['A', 'b', '0', '_']) {
        if (cursor[i] === letter) continue
        await sameListOrRefused(list, cursor.slice(0, i) + letter + cursor.slice(i + 1), all)
      }
    }
  }
})

async function sameListOrRefused(list: string, cursor: string, all: Set<string>): Promise<void> {
  const answer = await at(list, cursor)
  if (answer.status !== 200) return assertRefused(answer, `${list} ${cursor.slice(0, 100)}`)
  const { items } = answer.json() as { items: object[] }
  assert.ok(items.length <= 2)
  for (const item of items) assert.ok(all.has(JSON.stringify(item)), `${list} shows what is not in it`)
}

/** What means something to SQL, to Redis, to Lua, or to whoever compares texts. */
const KEYS: unknown[] = [
  ...[
    '0',
    '-1',
    '1e9',
    '01',
    '9007199254740992',
    '',
    ' ',
    '+',
    '-',
    '(',
    '[',
    '[a',
    '(a',
    '\u0000',
    'ÿ',
    '\uffff',
    '\u{10ffff}',
  ],
  ...[
    "1' OR '1'='1",
    '1; DROP TABLE users',
    '1)) UNION SELECT * FROM users --',
    '%',
    '_',
    '*',
    '\\',
    '"',
    '1\u0000',
    '1\n2',
  ],
  ...["'..redis.call('flushall')..'", '" .. ARGV[1] .. "', '{usr}:1:id:1', '__proto__', 'constructor', 'x'.repeat(600)],
  ...[1, null, true, [], ['1'], {}, { $gt: '' }, 1.5],
]

test('a made-up cursor goes where the filter allows anyway, or nowhere', async () => {
  for (const list of LISTS) {
    const [, filter, key] = contentOf(await cursorOf(list))
    const all = new Set(await everythingIn(list))
    for (const one of [
      ...KEYS,
      '1',
      '5',
      String(PEOPLE),
      '4000000000',
      '9007199254740991',
      `lee\u0000${'1'.padStart(16, '0')}`,
    ])
      await sameListOrRefused(list, made([1, filter, one]), all)
    for (const content of [
      ...[[], [1], [1, filter], [1, filter, key, 'more'], [2, filter, key], ['1', filter, key], [1, key, filter]],
      ...[
        { v: 1, f: filter, k: key },
        { 0: 1, 1: filter, 2: key, length: 3 },
        null,
        1,
        'text',
        [1, '', key],
        [1, null, key],
      ],
      ...[
        [1, filter.slice(0, -1), key],
        [1, filter.toLowerCase() === filter ? `${filter}A` : filter.toLowerCase(), key],
      ],
    ])
      assertRefused(await at(list, made(content)), `${list} ${JSON.stringify(content)}`)
  }
})

test('one cursor has one writing', async () => {
  const [list = ''] = LISTS
  const cursor = await cursorOf(list)
  const content = contentOf(cursor)
  const bytes = Buffer.from(cursor, 'base64url')
  for (const other of [
    `${cursor}=`,
    ` ${cursor}`,
    `${cursor}\n`,
    `${cursor}.`,
    `${cursor}A`,
    bytes.toString('base64').replace(/=*$/, '=='),
    bytes.toString('hex'),
    Buffer.from(JSON.stringify(content, null, 1)).toString('base64url'),
    Buffer.from(`${JSON.stringify(content)} `).toString('base64url'),
    Buffer.from(`\ufeff${JSON.stringify(content)}`).toString('base64url'),
    'A'.repeat(1_024),
    'A'.repeat(1_025),
    'A'.repeat(7_000),
    '',
  ])
    assertRefused(await at(list, other), JSON.stringify(other).slice(0, 80))
  assertRefused(await target.send('GET', `${list}&cursor=${cursor}&cursor=${cursor}`), 'twice')
  assertRefused(await target.send('GET', `${list}&cursor[]=${cursor}`), 'as an array')
})

test('nothing that was tried has changed anything', async () => {
  const shown = (await target.done('GET', '/v1/users?limit=200')).json()
  assert.equal(shown.items.length, PEOPLE)
})
