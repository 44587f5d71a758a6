import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import { whoever } from './audited.ts'

const AUDITED = new URL('audited.ts', import.meta.url).href

test('who is at the terminal is named, unless they say who they are', () => {
  assert.equal(whoever().name, `cli:${userInfo().username}`)
  assert.equal(whoever('data protection officer').name, 'data protection officer')
})

test('a user without a name is a number', {
  skip: process.getuid?.() !== 0 && 'only root may become somebody else',
}, () => {
  const source = `import { whoever } from ${JSON.stringify(AUDITED)}; process.setuid(54_321); console.log(whoever().name)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' })
  assert.equal(stdout, 'cli:54321\n', stderr)
})
