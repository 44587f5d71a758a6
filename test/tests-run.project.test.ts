import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT, runTests } from '../scripts/tests/run.ts'
import { SELECTION, type Selection } from '../scripts/tests/tiers.ts'

const SEED = 11
const TESTS = Array.from({ length: 9 }, (_, n) => `test('t${n}', () => {})`).join('\n')
const passing = `import { after, test } from 'node:test'\n${TESTS}`
const { options = [] } = SELECTION.unit
const AS_UNIT: Partial<Selection> = { options, isDealt: true }

/** Files of tests with these texts, by name, run one at a time. */
async function run(t: TestContext, files: Record<string, string>, more: Partial<Selection> = {}, seed = SEED) {
  const folder = await mkdtemp(join(tmpdir(), 'users-service-tests-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const place = relative(ROOT, folder)
  const selection = { files: [`${place}/*.mjs`], atATime: 1, ...more }
  const first = more.first?.map((name) => join(place, name)) ?? []
  let told = ''
  const outcome = await runTests({ ...selection, first }, { seed, only: [] }, (text) => {
    told += text
  })
  const begun = [...told.matchAll(/(\w+\.mjs) \([\d.]+ s\)$/gm)].map(([, name]) => name)
  const order = [...told.matchAll(/^✔ (\w+) \(/gm)].map(([, name]) => name)
  return { ...outcome, begun, order }
}

test('what passes and what fails is counted, over all files', async (t) => {
  const failing = `import { describe, test } from 'node:test'
    test('bad', () => { throw new Error('x') })
    test('not now', { skip: 'not today' }, () => {})
    describe('without the tool', { skip: 'there is none' }, () => test('that needs it', () => {}))`
  const { isPassed, files, tests, faults } = await run(t, { 'a.mjs': passing, 'b.mjs': failing })
  assert.deepEqual([isPassed, files, tests], [false, 2, { pass: 9, fail: 1, skipped: 2 }])
  assert.equal(faults.length, 1)
  assert.match(String(faults), /^test at .*b\.mjs:2:5\n✖ bad .*\n +Error: x\n/)
})

for (const [what, text] of Object.entries({
  'that cannot be loaded': "import './none.mjs'",
  'that fails half-way': `${passing}\nthrow new Error('half-way')\ntest('never told of', () => {})`,
  'that fails after its tests': `${passing}\nsetTimeout(() => { throw new Error('late') }, 50)`,
  'that is killed': "process.kill(process.pid, 'SIGKILL')",
  'that fails in what comes after its tests': `${passing}\nafter(() => { throw new Error('not tidy') })`,
  'that ends before its tests are through': "import { test } from 'node:test'\ntest('bad', () => process.exit(0))",
})) {
  for (const [how, more] of Object.entries({ 'by itself': {}, 'in one process with others': AS_UNIT })) {
    test(`a file ${what}, ${how}, has failed`, async (t) => {
      assert.equal((await run(t, { 'a.mjs': passing }, more)).isPassed, true)
      assert.equal((await run(t, { 'a.mjs': passing, 'b.mjs': text }, more)).isPassed, false)
    })
  }
}

test('a file without a test has failed; one whose tests are left out has not', async (t) => {
  const leftOut =
    "import { describe, test } from 'node:test'\ndescribe('all', { skip: 'why' }, () => test('a', () => {}))"
  assert.equal((await run(t, { 'a.mjs': '' })).isPassed, false)
  assert.equal((await run(t, { 'a.mjs': leftOut })).isPassed, true)
})

for (const [what, asked, told] of [
  [
    'whose file is called so',
    ['unit', '--only', 'domain/user.test', 'nowhere'],
    /^No file of unit has nowhere in its path\.$/m,
  ],
  ['in an order that is asked for', ['unit', '--repeat', '2', '--seed', '5'], /cannot be used with option '--seed/],
] as const) {
  test(`no test ${what}, again and again, or at all, is no success`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/tests.ts', ...asked], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.match(stdout + stderr, told)
  })
}

test('again and again is each time in another order, a line a run', () => {
  const args = ['scripts/tests.ts', 'unit', '--only', 'domain/names', '--repeat', '2']
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
  const [one, other, sum, ...rest] = stdout.trim().split('\n')
  const seedIn = (line = '') => /^[12]\/2 unit: 1 files passed .*\(--seed (\d+)\)$/.exec(line)?.[1]
  assert.ok(seedIn(one) && seedIn(other), stdout)
  assert.notEqual(seedIn(one), seedIn(other))
  assert.deepEqual([status, sum, rest], [0, '0 of 2 runs failed', []])
})

test('tests come in the order of the seed', async (t) => {
  const [one, same, another] = [await run(t, { 'a.mjs': passing }), await run(t, { 'a.mjs': passing }), SEED + 1]
  assert.deepEqual(same.order, one.order)
  assert.notDeepEqual((await run(t, { 'a.mjs': passing }, {}, another)).order, one.order)
  assert.equal(one.order.length, 9)
})

test('what is to be first is begun first, and the rest shuffled', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`f${n}.mjs`, '']))
  const { begun } = await run(t, files, { first: ['f5.mjs', 'f2.mjs'] })
  assert.deepEqual(begun.slice(0, 2), ['f5.mjs', 'f2.mjs'])
  assert.deepEqual(begun.toSorted(), Object.keys(files))
  assert.notDeepEqual(begun.slice(2), begun.slice(2).sort())
})

test('what they share is there before the first and gone after the last, also when one fails', async (t) => {
  const seen: string[] = []
  const beside = async () => {
    seen.push('there')
    return { env: { SHARED: 'yes' }, stop: async () => void seen.push('gone') }
  }
  const text = `if (process.env.SHARED !== 'yes') throw new Error('it is not there'); process.exitCode = 3`
  const { faults, isPassed } = await run(t, { 'a.mjs': text }, { beside })
  assert.deepEqual([seen, /it is not there/.test(faults.join()), isPassed], [['there', 'gone'], false, false])
})

const FORBIDDEN: Record<string, [attempt: string, told: RegExp]> = {
  'a server': [
    "await new Promise((up, down) => net.createServer().on('error', down).listen(0, up))",
    /ERR_ACCESS_DENIED/,
  ],
  'a connection': [
    "await new Promise((up, down) => net.connect(1, '127.0.0.1').on('error', down))",
    /ERR_ACCESS_DENIED/,
  ],
  'a process': ["childProcess.spawnSync('true')", /ERR_ACCESS_DENIED/],
  'a thread': ["new threads.Worker('', { eval: true })", /ERR_ACCESS_DENIED/],
  'a file to write': ["fs.writeFileSync(import.meta.filename + '.new', '')", /ERR_ACCESS_DENIED/],
  'a database': ["new sqlite.DatabaseSync(import.meta.filename + '.db')", /opens no database/],
  'a database in memory': ["new DatabaseSync(':memory:')", /opens no database/],
  'a database by another way': [
    "new (process.getBuiltinModule('node:sqlite').DatabaseSync)(':memory:')",
    /opens no database/,
  ],
}
const MODULES = `
  import childProcess from 'node:child_process'
  import fs from 'node:fs'
  import net from 'node:net'
  import sqlite, { DatabaseSync } from 'node:sqlite'
  import { test } from 'node:test'
  import threads from 'node:worker_threads'`
for (const [what, [attempt, told]] of Object.entries(FORBIDDEN)) {
  test(`a unit test is refused ${what}`, async (t) => {
    const text = (line: string) => `${MODULES}\ntest('it', async () => {\n${line}\n})`
    assert.equal((await run(t, { 'a.mjs': text('fs.readFileSync(import.meta.filename)') }, { options })).isPassed, true)
    const { isPassed, faults } = await run(t, { 'a.mjs': text(attempt) }, { options })
    assert.equal(isPassed, false)
    assert.match(faults.join(), told)
  })
}
