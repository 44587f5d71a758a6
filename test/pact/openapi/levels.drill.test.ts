// What is not an error to oasdiff by itself, or none at all: each is tried by one change of the last release's document.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compareOpenApi, lastRelease } from '../../../scripts/openapi-breaking.ts'
import { RAISED } from '../../../scripts/openapi-levels.ts'
import { changes, withoutOasdiff } from './changes.ts'
import { ANNOUNCED, type Document, HARMLESS, RAISED_HERE } from './planted.ts'

const { before: BEFORE, changed, written, errorsOf } = changes()
const skip = withoutOasdiff()
const RELEASE = lastRelease()
const RAISED_CHECKS = RAISED.flatMap(({ checks }) => checks)

for (const [what, change, expected] of RAISED_HERE) {
  test(`${what}: that breaks, though to oasdiff itself it does not, and is said`, { skip }, () => {
    const errors = errorsOf(change)
    assert.match(errors.join('\n'), expected)
    assert.deepEqual(
      errors.filter((line) => !RAISED_CHECKS.some((check) => line.endsWith(` [${check}]`))),
      [],
    )
  })
}

for (const [what, change] of HARMLESS) {
  test(`${what}: that breaks nothing`, { skip }, () => {
    assert.deepEqual(compareOpenApi(BEFORE, changed(change)), { isBroken: false, said: [], stale: [] })
  })
}

test('each header of each answer gone: they are said, many as they are', { skip }, () => {
  const document: Document = JSON.parse(readFileSync(RELEASE, 'utf8'))
  const answers = Object.values<Document>(document.paths)
    .flatMap((path) => Object.values<Document>(path))
    .flatMap(({ responses }) => Object.values<Document>(responses))
  const headers = answers.reduce((sum, one) => sum + Object.keys(one.headers ?? {}).length, 0)
  for (const one of answers) delete one.headers
  const { isBroken, said } = compareOpenApi(RELEASE, written('headerless.json', document))
  assert.deepEqual({ isBroken, said: said.length }, { isBroken: true, said: headers })
})

for (const [what, announce, remove] of ANNOUNCED) {
  test(`${what} goes when its sunset has come, and no earlier`, { skip }, () => {
    const gone = changed(remove, 'gone.json')
    const isBroken = (sunset: string) =>
      compareOpenApi(changed(announce({ deprecated: true, 'x-sunset': sunset }), 'announced.json'), gone).isBroken
    assert.deepEqual([isBroken('2026-01-01'), isBroken('2126-01-01')], [false, true])
  })
}
