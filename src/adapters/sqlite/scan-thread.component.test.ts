import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/contract/sqlite.ts'
import { openScanThread } from './scan-thread.ts'
import { ensureSqliteSchema } from './schema.ts'

/** Counts to a million or so in SQL: long enough for others to come meanwhile. */
const LONG =
  'WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 1000000) SELECT MAX(n) AS n FROM counted'

async function openScans(t: TestContext) {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'users.db')
  ensureSqliteSchema(path)
  const scan = openScanThread(path)
  t.after(scan.close)
  return { scan, path }
}

test('a long scan leaves the event loop free', async (t) => {
  const { scan } = await openScans(t)
  let turns = 0
  let scanning = true
  const answer = scan.query(LONG).finally(() => {
    scanning = false
  })
  while (scanning) {
    turns += 1
    await new Promise(setImmediate)
  }
  assert.deepEqual(
    (await answer).map((row) => ({ ...row })),
    [{ n: 1_000_000 }],
  )
  assert.ok(turns > 20, `${turns} turns`)
})

test('every scan gets its own answer, or its own error', async (t) => {
  const { scan } = await openScans(t)
  const asked = [1, 2, 3].map((n) => scan.query('SELECT ? AS n', [n]))
  const refused = assert.rejects(scan.query('SELECT 1 FROM nowhere'), /no such table/)
  assert.deepEqual(
    (await Promise.all(asked)).flat().map(({ n }) => n),
    [1, 2, 3],
  )
  await refused
})

test('64 scans may wait; one more is refused as busy, and when they are done others are taken', async (t) => {
  const { scan } = await openScans(t)
  const asked = [scan.query(LONG), ...Array.from({ length: 63 }, () => scan.query('SELECT 1 AS n'))]
  await assert.rejects(scan.query('SELECT 1 AS n'), { name: 'DomainError', code: 'busy' })
  await Promise.all(asked)
  assert.equal((await scan.query('SELECT 1 AS n')).length, 1)
})

/** A scan that is never answered is the fault to be found. */
const LIMITED = { timeout: 5_000 }
const GONE = { name: 'DomainError', code: 'database-unavailable' }

test('what waits when the thread ends is refused, and so is what comes later', LIMITED, async (t) => {
  const { scan } = await openScans(t)
  const waiting = assert.rejects(scan.query(LONG), GONE)
  await scan.close()
  await waiting
  await assert.rejects(scan.query('SELECT 1 AS n'), GONE)
})

test('a thread that can’t open the database refuses every scan', LIMITED, async (t) => {
  const scan = openScanThread(join(await temporaryFolder(t), 'none', 'users.db'))
  t.after(scan.close)
  for (const _ of [1, 2]) await assert.rejects(scan.query('SELECT 1 AS n'), GONE)
})

for (const [name, use] of [
  ['was never used', ''],
  ['has been used', `await scan.query('SELECT 1 AS n')`],
]) {
  test(`a process may end while a thread is open that ${name}`, async (t) => {
    const { path } = await openScans(t)
    const script = `${path}.mjs`
    await writeFile(
      script,
      `import { openScanThread } from ${JSON.stringify(new URL('scan-thread.ts', import.meta.url))}
       const scan = openScanThread(${JSON.stringify(path)})
       ${use}
       console.log('at the end')`,
    )
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 4_000 })
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    assert.deepEqual([await once(child, 'close'), said], [[0, null], 'at the end\n'])
  })
}
