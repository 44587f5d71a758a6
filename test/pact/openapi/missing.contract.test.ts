// Where oasdiff is missing its tests are left out one by one, so that their sum says how many; with CI set that is a failure.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ROOT } from '../../../scripts/openapi-breaking.ts'

/** This repository, but for .tools. */
const folder = mkdtempSync(join(tmpdir(), 'users-service-toolless-'))
after(() => rmSync(folder, { recursive: true, force: true }))
for (const name of ['contracts', 'node_modules', 'package.json', 'scripts', 'src', 'test']) {
  symlinkSync(join(ROOT, name), join(folder, name))
}

test('without CI each is left out, and none is passed', () => {
  const { status, output } = runWith({ CI: undefined })
  assert.equal(status, 0, output)
  const all = countOf('tests', output)
  assert.ok(all > 50, output)
  assert.deepEqual(
    ['pass', 'fail', 'skipped'].map((name) => countOf(name, output)),
    [0, 0, all],
  )
})

test('with CI one fails, which says what is missing', () => {
  const { status, output } = runWith({ CI: '1' })
  assert.equal(status, 1, output)
  assert.equal(countOf('fail', output), 1)
  assert.match(output, /oasdiff is missing: node scripts\/setup-oasdiff\.mjs needed/)
})

function runWith(env: { CI: string | undefined }) {
  // As from another folder, though the files are the same.
  const options = ['--preserve-symlinks', '--preserve-symlinks-main', '--test-reporter=spec']
  const { status, stdout } = spawnSync(
    process.execPath,
    [...options, join(folder, 'test/pact/openapi/breaking.contract.test.ts')],
    { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env } },
  )
  return { status, output: stdout }
}

function countOf(name: string, output: string): number {
  return Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1])
}
