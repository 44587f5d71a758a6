import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compare } from './compare.ts'
import { MAX_MASKED_CHARS, MAX_TEXT_CHARS, masked, maskedValue, shapeOf } from './mask.ts'
import { topOf } from './places.ts'

const SEED = 8
const MASKED = topOf({})

test('of texts and numbers their shape is left', () => {
  assert.equal(maskedValue('Anna O’Neill-42', MASKED), '"Xxxx X’Xxxxx-99"')
  assert.equal(maskedValue('äÖß 東京 ٤٢ é', MASKED), '"xXx xx 99 xx"'.replace('xx"', `${shapeOf('é')}"`))
  assert.equal(maskedValue('anna@example.org', MASKED), '"xxxx@xxxxxxx.xxx"')
  assert.equal(maskedValue(-12.5, MASKED), '-99.9')
  assert.equal(maskedValue(1e21, MASKED), '9x+99')
})

test('what holds nobody’s data is shown: null, true, false, and that there is nothing', () => {
  assert.deepEqual(
    [null, true, false, undefined].map((value) => maskedValue(value, MASKED)),
    ['null', 'true', 'false', '(absent)'],
  )
})

test('what the rules let be shown is, up to a length, and nothing beside it', () => {
  const rules = { shown: ['/title', '/roles/*/name', '/branch'] }
  const answer = (body: unknown) => ({ status: 200, headers: {}, body })
  const shown = (legacy: unknown, native: unknown) => compare(answer(legacy), answer(native), rules).map(masked)
  assert.deepEqual(shown({ title: 'Clerk', name: 'Anna' }, { title: 'Guard', name: 'Otto' }), [
    { path: '/title', legacy: '"Clerk"', native: '"Guard"' },
    { path: '/name', legacy: '"Xxxx"', native: '"Xxxx"' },
  ])
  assert.deepEqual(shown({ roles: [{ name: 'cash', by: 'Otto' }] }, {}), [
    { path: '/roles', legacy: '[{"name":"cash","by":"Xxxx"}]', native: '(absent)' },
  ])
  assert.deepEqual(shown({ branch: { id: 7 } }, { branch: { id: 8 } }), [
    { path: '/branch/id', legacy: '7', native: '8' },
  ])
  assert.ok((shown({ title: 'x'.repeat(999) }, {})[0]?.legacy.length ?? 999) <= MAX_TEXT_CHARS + 3)
})

test('status and media type are shown, other headers masked', () => {
  const headers = ['content-type', 'x-user']
  const answer = (type: string, user: string) => ({
    status: 200,
    headers: { 'content-type': type, 'x-user': user },
    body: 1,
  })
  assert.deepEqual(compare(answer('text/html', 'Anna'), answer('text/plain', 'Otto'), { headers }).map(masked), [
    { path: 'header:content-type', legacy: '"text/html"', native: '"text/plain"' },
    { path: 'header:x-user', legacy: '"Xxxx"', native: '"Xxxx"' },
  ])
  const [status] = compare({ ...answer('', ''), status: 404 }, answer('', ''), {})
  assert.deepEqual(status && masked(status), { path: 'status', legacy: '404', native: '200' })
})

test('names of members that could be data are not shown either', () => {
  assert.equal(maskedValue({ 'anna@example.org': 1, first_name: 2 }, MASKED), '{*:9,"first_name":9}')
})

test('what is large is cut', () => {
  assert.equal(maskedValue(Array(9).fill(1), MASKED), '[9,9,9,9,…]')
  assert.equal(maskedValue([[[[[1]]]]], MASKED), '[[[[…]]]]')
  const wide = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`m${i % 1_000}_${'x'.repeat(20)}`, 'a'.repeat(99)]),
  )
  assert.ok(maskedValue(wide, MASKED).length <= MAX_MASKED_CHARS + 1)
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)
  assert.equal(maskedValue(deep, MASKED), '[[[[…]]]]')
})

test('no letter and no digit of what is masked survives', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.emailAddress(), fc.uuid())
  const left = (shape: string) => shape.replace(/[xX9]/g, '')
  fc.assert(
    fc.property(text, (value) => {
      assert.doesNotMatch(left(shapeOf(value)), /[\p{L}\p{M}\p{N}]/u)
      assert.ok(shapeOf(value).length <= MAX_TEXT_CHARS + 1)
    }),
    { seed: SEED, numRuns: 2_000 },
  )
  // Names of members are chosen by whoever made the application: here there are none.
  const leaf = fc.oneof(text, fc.double({ noNaN: true }), fc.integer())
  const tree = fc.letrec((tie) => ({ node: fc.oneof(leaf, fc.array(tie('node'))) })).node
  fc.assert(
    fc.property(tree, (value) => {
      // A quotation mark or control character in JSON's writing: \n, \u0007.
      const shape = maskedValue(value, MASKED).replace(/\\(?:u[\da-f]{4}|[bfnrt"\\])/g, '')
      assert.doesNotMatch(left(shape), /[\p{L}\p{M}\p{N}]/u)
    }),
    { seed: SEED, numRuns: 500 },
  )
})
