// Where oasdiff is missing its tests are left out one by one, so that their sum says how many; with CI set that is a failure.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ROOT } from '../../../scripts/openapi-breaking.ts'

/** This repository, but for .tools; another version of it, in which contracts are its own. */
const folder = mkdtempSync(join(tmpdir(), 'users-service-toolless-'))
after(() => rmSync(folder, { recursive: true, force: true }))
for (const name of ['node_modules', 'scripts', 'src', 'test']) symlinkSync(join(ROOT, name), join(folder, name))
cpSync(join(ROOT, 'contracts'), join(folder, 'contracts'), { recursive: true })
writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', version: '999.0.0' }))
/** As from that folder, though the files are the same. */
const AS_LINKED = ['--preserve-symlinks', '--preserve-symlinks-main']

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

function run(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...AS_LINKED, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
  })
  return { status, output: `${stdout}${stderr}` }
}

function countOf(name: string, output: string): number {
  return Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1])
}
