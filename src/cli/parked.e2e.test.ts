import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../test/contract/sqlite.ts'
import { openConnection } from '../adapters/sqlite/connection.ts'
import { readConfig } from '../config.ts'
import { openParked } from '../wiring.ts'
import { dropParked, listParked, type Page, retryParked } from './parked-actions.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')
const LIMIT_MS = 30_000

/** A database in which changes with these ids are parked, and what the actions answer or refuse there. */
async function start(t: TestContext, ...ids: number[]) {
  const dataDir = await temporaryFolder(t)
  const parked = openParked(readConfig({ DATA_DIR: dataDir }))
  t.after(parked.close)
  const connection = openConnection(join(dataDir, 'users.db'), { readOnly: false })
  t.after(connection.close)
  for (const id of ids) {
    connection.run(
      `INSERT INTO parked_changes (change_id, entity, entity_id, changed_at, error, attempts, parked_at)
       VALUES (?, ?, ?, '2026-11-25 19:17:08.123', 'TypeError at src/a.ts:1', 6, '2026-11-25 19:17:16.456')`,
      [id, id % 2 === 0 ? 'role' : 'user', id % 2 === 0 ? '*' : String(id * 100)],
    )
  }
  const idsIn = (table: string) =>
    connection.all(`SELECT change_id FROM ${table} ORDER BY change_id`, []).map((row) => Number(row.change_id))
  return {
    dataDir,
    rest: () => idsIn('parked_changes'),
    waiting: () => idsIn('entity_changes'),
    list: (page: Partial<Page> = {}) => listParked(parked, { limit: 50, after: 0, ...page }),
    retry: (...chosen: number[]) => retryParked(parked, { ids: chosen, all: false }),
    retryAll: () => retryParked(parked, { ids: [], all: true }),
    drop: (...chosen: number[]) => dropParked(parked, { ids: chosen, all: false }, false),
    dropAll: (isSure: boolean) => dropParked(parked, { ids: [], all: true }, isSure),
    both: (...chosen: number[]) => dropParked(parked, { ids: chosen, all: true }, true),
  }
}
const refused = (message: RegExp) => ({ expected: true, message })

async function runParked(t: TestContext, dataDir: string, args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'parked', ...args], {
    env: { DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  })
  t.after(() => child.kill('SIGKILL'))
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}

test('list: a table for people, oldest first, with what to do', async (t) => {
  const { list } = await start(t, 3, 12)
  assert.equal(
    await list(),
    `change  of         tries  written (UTC)            parked (UTC)             error
3       user 300   6      2026-11-25 19:17:08.123  2026-11-25 19:17:16.456  TypeError at src/a.ts:1
12      the roles  6      2026-11-25 19:17:08.123  2026-11-25 19:17:16.456  TypeError at src/a.ts:1

2 parked. When the cause is mended: users-service parked retry --all
`,
  )
})

test('list: pages, and nothing', async (t) => {
  const { list } = await start(t, 3, 5, 7)
  const first = await list({ limit: 2 })
  assert.match(first, /^3 .*\n5 .*\n\n3 parked\..*\nThe next page: users-service parked list --after 5\n$/m)
  assert.match(await list({ after: 5 }), /^7 .*\n\n3 parked\.[^\n]*\n$/m)
  assert.equal(await list({ after: 7 }), 'Nothing more; 3 in all.\n')
  const empty = await start(t)
  assert.equal(await empty.list(), 'Nothing is parked.\n')
})

test('list: JSON for programs', async (t) => {
  const { list } = await start(t, 3, 5)
  const item = {
    ...{ changeId: 3, entity: 'user', entityId: '300', error: 'TypeError at src/a.ts:1', attempts: 6 },
    ...{ changedAt: '2026-11-25T19:17:08.123Z', parkedAt: '2026-11-25T19:17:16.456Z' },
  }
  assert.deepEqual(JSON.parse(await list({ json: true, limit: 1 })), { total: 2, items: [item], nextAfter: 3 })
  assert.deepEqual(JSON.parse(await list({ json: true, after: 5 })), { total: 2, items: [], nextAfter: null })
})

test('retry: those that are named, and the others stay', async (t) => {
  const { retry, rest, waiting } = await start(t, 3, 5, 7)
  assert.match(await retry(7, 3, 7), /^2 changes put back; /)
  assert.deepEqual([rest(), waiting()], [[5], [3, 7]])
})

test('retry and drop: what is not parked is named, and the rest done', async (t) => {
  const { retry, drop, rest, waiting } = await start(t, 3, 5)
  for (const doing of [retry(99, 3, 98), drop(99, 5, 98)]) {
    await assert.rejects(doing, refused(/^Not parked: 98, 99\. The rest is done \(1 change\)\. /))
  }
  await assert.rejects(retry(3), refused(/^Not parked: 3\. `users-service parked list` shows what is\.$/))
  assert.deepEqual([rest(), waiting()], [[], [3]])
})

test('retry --all: more than one page of them; when there are none it says so', async (t) => {
  const ids = Array.from({ length: 1_201 }, (_, index) => index + 1)
  const { retryAll, rest, waiting } = await start(t, ...ids)
  assert.match(await retryAll(), /^1,201 changes put back; /)
  assert.deepEqual([rest(), waiting()], [[], ids])
  assert.equal(await retryAll(), 'Nothing was parked.\n')
})

test('drop: those that are named; all of them only for who is sure', async (t) => {
  const { drop, dropAll, rest, waiting } = await start(t, 3, 5, 7)
  assert.equal(await drop(3), '1 change dropped.\n')
  await assert.rejects(dropAll(false), refused(/^This would drop all 2 changes\. Say --all --yes if it should\.$/))
  assert.deepEqual(rest(), [5, 7])
  assert.equal(await dropAll(true), '2 changes dropped.\n')
  assert.deepEqual([rest(), waiting()], [[], []])
  assert.equal(await dropAll(true), 'Nothing was parked.\n')
})

test('neither some nor all, and both, change nothing', async (t) => {
  const { retry, drop, both, rest } = await start(t, 3)
  for (const doing of [retry(), drop()]) await assert.rejects(doing, refused(/^Name the changes .*, or say --all\.$/))
  await assert.rejects(both(3), refused(/not both/))
  assert.deepEqual(rest(), [3])
})

test('from the command line: done is 0; what cannot be done is 1, with one sentence', async (t) => {
  const { dataDir, rest, waiting } = await start(t, 3, 5)
  const retried = await runParked(t, dataDir, ['retry', '3'])
  assert.deepEqual([retried.code, retried.err], [0, ''])
  assert.match(retried.out, /^1 change put back; /)
  assert.deepEqual([rest(), waiting()], [[5], [3]])
  for (const [args, says] of [
    [['drop', '--all'], /^This would drop all 1 change\. Say --all --yes if it should\.\n$/],
    [['retry', 'three'], /must be a whole number/],
  ] as const) {
    const { code, out, err } = await runParked(t, dataDir, [...args])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, says)
    assert.doesNotMatch(err, / at .*\.ts/)
  }
})

test('in a folder without a database none is made, and it is said', async (t) => {
  const dataDir = await temporaryFolder(t)
  const { code, err } = await runParked(t, dataDir, ['list'])
  assert.equal(code, 1)
  assert.match(err, /^There is no database at .*users\.db; DATA_DIR says where it is\.\n$/)
  assert.equal(existsSync(join(dataDir, 'users.db')), false)
})
