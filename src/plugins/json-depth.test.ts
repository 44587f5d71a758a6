import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTooDeep, MAX_JSON_DEPTH } from './json-depth.ts'

const tooDeep = (text: string) => isTooDeep(Buffer.from(text))
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

test('as deep as the limit is taken, and one more is not, in arrays, objects and both', () => {
  assert.equal(tooDeep(nested(MAX_JSON_DEPTH)), false)
  assert.equal(tooDeep(nested(MAX_JSON_DEPTH + 1)), true)
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  assert.equal(tooDeep(objects(MAX_JSON_DEPTH)), false)
  assert.equal(tooDeep(objects(MAX_JSON_DEPTH + 1)), true)
  const both = (depth: number) => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`
  assert.equal(tooDeep(both(MAX_JSON_DEPTH / 2)), false)
  assert.equal(tooDeep(both(MAX_JSON_DEPTH / 2 + 1)), true)
})

test('what stands beside each other is not deep, however much it is', () => {
  assert.equal(tooDeep(`[${nested(2)}${`,${nested(2)}`.repeat(10_000)}]`), false)
})

test('brackets in texts do not count, whatever is escaped there', () => {
  const brackets = '['.repeat(1_000)
  for (const text of [brackets, `\\"${brackets}`, `\\\\${brackets}`, `${brackets}\\`, `"${brackets}`]) {
    assert.equal(tooDeep(JSON.stringify({ [text]: text })), false, text.slice(0, 4))
  }
})

test('what is no JSON is looked at to its end and no further', () => {
  for (const text of ['', '"', '"\\', '"\\"', ']'.repeat(1_000), '{"a', '\\', '\\"']) assert.equal(tooDeep(text), false)
  // More closed than opened is no credit that could be spent on depth which a parser would see: no parser gets so far.
  assert.equal(tooDeep(`"${'\\'.repeat(999)}`), false)
})

const SEED = 20261201
test(`of any JSON it says what a parser would find (seed ${SEED})`, () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
  const text = fc.string({ unit: 'binary-ascii', maxLength: 20 })
  const levels = fc.array(fc.constantFrom('array', 'object', 'beside'), { maxLength: MAX_JSON_DEPTH + 8 })
  fc.assert(
    fc.property(levels, text, text, (around, name, inner) => {
      const value = around.reduce<unknown>((held, how) => {
        if (how === 'array') return [held]
        return how === 'object' ? { [name]: held } : [name, [[]], held, { '"[{': inner }]
      }, inner)
      const whole = JSON.stringify(value)
      assert.equal(tooDeep(whole), depthOf(JSON.parse(whole)) > MAX_JSON_DEPTH)
    }),
    { seed: SEED },
  )
})
