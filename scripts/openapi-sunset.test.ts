import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutWhatMayGo } from './openapi-sunset.ts'

const NOW = new Date('2026-11-30T12:00:00Z')
const user = (properties: object, required: string[] = []) => ({ schemas: [{ User: { properties, required } }] })
const email = (more: object) => ({ email: { type: 'string', ...more } })
const id = { id: { type: 'integer' } }

const CASES: [what: string, deprecated: object, isGone: boolean][] = [
  ['not deprecated', {}, false],
  ['deprecated no longer', { deprecated: false, 'x-sunset': '2026-01-01' }, false],
  ['deprecated without a date', { deprecated: true }, true],
  ['deprecated until today', { deprecated: true, 'x-sunset': '2026-11-30' }, true],
  ['deprecated until tomorrow', { deprecated: true, 'x-sunset': '2026-12-01' }, false],
  ['deprecated until an instant that has been', { deprecated: true, 'x-sunset': '2026-11-30T11:59:59Z' }, true],
  ['deprecated until what is no date', { deprecated: true, 'x-sunset': 'soon' }, false],
]

for (const [what, deprecated, isGone] of CASES) {
  test(`what goes ${isGone ? 'as announced is left out' : 'unannounced stays'}: ${what}`, () => {
    const before = user({ ...id, ...email(deprecated) })
    assert.deepEqual(withoutWhatMayGo(before, user(id), NOW), isGone ? user(id) : before)
  })
}

test('what is announced to go, and is there still, stays to be compared', () => {
  const before = user(email({ deprecated: true }))
  assert.deepEqual(withoutWhatMayGo(before, user({ email: { type: 'integer' } }), NOW), before)
})

test('a required field is left to oasdiff', () => {
  const before = user({ ...id, ...email({ deprecated: true }) }, ['email'])
  assert.deepEqual(withoutWhatMayGo(before, user(id), NOW), before)
})

test('headers go as fields do, the last one, too; where the answer is gone, it is left to oasdiff', () => {
  const etag = { etag: { schema: { type: 'string' }, deprecated: true } }
  assert.deepEqual(withoutWhatMayGo({ 200: { headers: etag } }, { 200: { headers: {} } }, NOW), {
    200: { headers: {} },
  })
  assert.deepEqual(withoutWhatMayGo({ 200: { headers: etag } }, { 200: {} }, NOW), { 200: { headers: {} } })
  assert.deepEqual(withoutWhatMayGo({ 200: { headers: etag } }, {}, NOW), { 200: { headers: etag } })
})

test('the documents that are given stay as they are', () => {
  const before = user({ ...id, ...email({ deprecated: true }) })
  const copy = structuredClone(before)
  withoutWhatMayGo(before, user(id), NOW)
  assert.deepEqual(before, copy)
})
