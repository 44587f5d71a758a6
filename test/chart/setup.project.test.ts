import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ROOT } from './support.ts'

// A copy of the scripts, where no tool has been built, on a machine without Go.
const folder = mkdtempSync(join(tmpdir(), 'setup-chart-'))
cpSync(join(ROOT, 'scripts'), join(folder, 'scripts'), { recursive: true })
after(() => rmSync(folder, { recursive: true, force: true }))

function setUp(script: string, args: string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const env = { PATH: join(folder, 'nothing'), ...environment }
  return spawnSync(process.execPath, [join(folder, 'scripts', script), ...args], { env, encoding: 'utf8' })
}

test('without Go the checks of the chart are left out, and that is said', () => {
  const { status, stdout } = setUp('setup-chart.mjs')
  assert.equal(status, 0)
  assert.equal(stdout, 'The checks of the chart are left out: helm: go, which builds the tools, is not on the PATH.\n')
})

test('under CI, or where they are needed, that is a failure', () => {
  for (const { status, stderr } of [setUp('setup-chart.mjs', [], { CI: '1' }), setUp('setup-chart.mjs', ['needed'])]) {
    assert.equal(status, 1)
    assert.equal(stderr, 'The chart cannot be checked: helm: go, which builds the tools, is not on the PATH\n')
  }
  assert.equal(setUp('setup-cluster.mjs').status, 1)
})

test('a tool that is not known is named', () => {
  const { status, stderr } = setUp('setup-go-tools.mjs', ['helmet'])
  assert.equal(status, 1)
  assert.match(stderr, /^There is no tool helmet: helm, /)
})
