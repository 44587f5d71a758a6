// The job that docs/contracts.md shows, run by a shell, over stand-ins for its commands.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const [, JOB = ''] = /^A job, for any pipeline[^\n]*\n\n```sh\n(.*?)^```$/ms.exec(
  readFileSync(join(ROOT, 'docs', 'contracts.md'), 'utf8'),
) ?? ['', '']
const ON_A_BRANCH = ['make test', 'npm run pact:publish', 'npm run pact:verify -- --publish']
const ON_MAIN = [
  ...ON_A_BRANCH,
  'production npm run pact:can-i-deploy',
  'helm upgrade …',
  'production npm run pact:record-deployment',
]

/** Over commands that write down that they were called: the call with this number, from 1 on, fails; 0 is none. */
function run(t: TestContext, main: string, failing = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-job-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'log')
  writeFileSync(log, '')
  for (const name of ['make', 'npm', 'helm']) {
    const line = `\${PACT_ENVIRONMENT:-} ${name} $*`
    const count = 'count=0; while read -r _; do count=$((count + 1)); done'
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\necho "${line}" >> '${log}'\n${count} < '${log}'\n[ "$count" != ${failing} ]\n`,
    )
    chmodSync(join(folder, name), 0o755)
  }
  const { status } = spawnSync('/bin/sh', ['-c', JOB], { env: { PATH: folder, MAIN: main } })
  const called = readFileSync(log, 'utf8').split('\n').slice(0, -1)
  return { status, called: called.map((line) => line.trim()) }
}

test('on the main branch all of it is done, on another what is for branches', (t) => {
  assert.deepEqual(run(t, 'true'), { status: 0, called: ON_MAIN })
  assert.deepEqual(run(t, 'false'), { status: 0, called: ON_A_BRANCH })
})

test('whichever step fails, none comes after it, and the job has failed', (t) => {
  for (const [index, step] of ON_MAIN.entries()) {
    const { status, called } = run(t, 'true', index + 1)
    assert.equal(status, 1, step)
    assert.deepEqual(called, ON_MAIN.slice(0, index + 1))
  }
})
