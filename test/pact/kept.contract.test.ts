// Of which runs of its tests a contract is compared, or written.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..')
const FIXTURE = join(import.meta.dirname, 'kept-fixture.ts')
const ONE = '--test-name-pattern=the first'
const NONE = '--test-name-pattern=no such test'
const WRITING = { WRITE_PACTS: '1' }
const FAILING = { FAILING: '1' }

function rig(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'a-b.json')
  const run = (env: object, ...options: string[]) => {
    const given = { PATH: process.env.PATH, KEPT_FOLDER: folder, ...env }
    const { status, stdout } = spawnSync(process.execPath, ['--test', ...options, FIXTURE], {
      env: given,
      encoding: 'utf8',
    })
    return { status, stdout }
  }
  const kept = () => readFileSync(file, 'utf8')
  return { run, kept, change: () => writeFileSync(file, kept().replace('/the-second', '/the-other')) }
}

test('when all of its tests have passed it is written, or compared', (t) => {
  const { run, kept, change } = rig(t)
  assert.equal(run(WRITING).status, 0)
  assert.deepEqual(
    JSON.parse(kept()).interactions.map(({ description }: { description: string }) => description),
    ['the first', 'the second'],
  )
  assert.equal(run({}).status, 0)
  change()
  const { status, stdout } = run({})
  assert.equal(status, 1)
  assert.match(stdout, /a-b\.json is another one: npm run pact:write/)
})

test('when some only were run, and passed, that is all that is said', (t) => {
  const { run, change } = rig(t)
  run(WRITING)
  change()
  for (const option of [ONE, NONE]) assert.equal(run({}, option).status, 0, option)
})

test('what some only were run for is not written, and that is a fault', (t) => {
  const { run, kept, change } = rig(t)
  run(WRITING)
  change()
  const before = kept()
  for (const [env, options, passed] of [
    [WRITING, [ONE], 1],
    [WRITING, [NONE], 0],
    [{ ...WRITING, ...FAILING }, [], 1],
  ] as const) {
    const { status, stdout } = run(env, ...options)
    assert.equal(status, 1)
    assert.ok(stdout.includes(`a-b.json is not written: of its 2 tests ${passed} were run and passed`), stdout)
    assert.equal(kept(), before)
  }
})

test('when one fails, the contract is not named as another one', (t) => {
  const { run } = rig(t)
  run(WRITING)
  const { status, stdout } = run(FAILING)
  assert.equal(status, 1)
  assert.doesNotMatch(stdout, /is another one/)
})

test('what pact:write runs makes contracts, and reads none: in any order, and at once', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const [, pattern = ''] = /"(.+)"/.exec(scripts['pact:write']) ?? []
  const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')
  const makes = globSync('test/pact/{consumer,consumers}/*.test.ts', { cwd: ROOT }).filter((file) =>
    textOf(file).includes('keptPact('),
  )
  assert.ok(makes.length >= 7)
  assert.deepEqual(globSync(pattern, { cwd: ROOT }).sort(), makes.sort())
  for (const file of makes) assert.doesNotMatch(textOf(file), /readFileSync|CONTRACTS/, file)
})
