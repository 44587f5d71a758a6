// Where oasdiff is missing its tests are left out one by one, so that their sum says how many; with CI set that is a failure.
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ROOT } from '../../../scripts/openapi-breaking.ts'
import { linkedProject } from './linked.ts'

const { root: folder, run } = linkedProject({ hasTools: false })
after(() => rmSync(folder, { recursive: true, force: true }))

test('without CI each is left out, and none is passed', () => {
  const { status, output } = runWith({ CI: undefined })
  assert.equal(status, 0, output)
  const all = countOf('tests', output)
  assert.ok(all > 30, output)
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

test('no document is said to break nobody, and none is kept', () => {
  for (const script of ['openapi-breaking.ts', 'openapi-release.ts']) {
    const { status, output } = run([join(folder, 'scripts', script)])
    assert.equal(status, 1, output)
    assert.equal(output, 'oasdiff is missing: node scripts/setup-oasdiff.mjs needed\n')
  }
  assert.deepEqual(readdirSync(join(folder, 'contracts/releases')), readdirSync(join(ROOT, 'contracts/releases')))
})

function runWith(env: { CI: string | undefined }) {
  return run(['--test-reporter=spec', join(folder, 'test/pact/openapi/breaking.contract.test.ts')], env)
}

function countOf(name: string, output: string): number {
  return Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1])
}
