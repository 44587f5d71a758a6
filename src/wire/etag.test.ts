import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EtagVariant, etag, expectedVersions, noneMatch, USER_VARIANTS, userEtag } from './etag.ts'

const SEED = 20_240_606
const BASE = { epoch: 'ab12', schema: 1 }
const TAG = '"ab12.1.u.7"'
/** What no version equals: a tag was sent, and it cannot match. */

test('a tag names epoch, schema, what it is of, and the version, or both versions', () => {
  assert.equal(etag(BASE, 'u', 7), TAG)
  assert.equal(etag(BASE, 'r', 0), '"ab12.1.r.0"')
  assert.equal(etag(BASE, 'p', 7, 3), '"ab12.1.p.7.3"')
  assert.equal(etag(BASE, 'p', 7, 0), '"ab12.1.p.7.0"')
})

const NONE_MATCH: [header: string | undefined, send: boolean][] = [
  [undefined, true],
  [TAG, false],
  [` ${TAG}\t`, false],
  [`W/${TAG}`, false],
  ['*', false],
  [' * ', false],
  [`"x", ${TAG}`, false],
  [`${TAG},"x"`, false],
  [`"x",W/${TAG} , "y"`, false],
  [`,, ${TAG},`, false],
  ['', true],
  [',', true],
  ['"x"', true],
  ['"*"', true],
  ['*, "x"', true],
  [`w/${TAG}`, true],
  [`W/ ${TAG}`, true],
  [`W/W/${TAG}`, true],
  [TAG.slice(1, -1), true],
  [`"${TAG}"`, true],
  ['"ab12.1.u.70"', true],
  ['"ab12.1.u.07"', true],
  ['"ab12.1.u.7', true],
  ['"AB12.1.u.7"', true],
  ['"ab12.2.u.7"', true],
  ['"ab12.1.p.7"', true],
  // The user without what is personal is another representation.
  ['"ab12.1.n.7"', true],
  ['W/"ab12.1.n.7"', true],
  ['"ab12.1.u.7.3"', true],
]
for (const [header, send] of NONE_MATCH) {
  test(`If-None-Match ${header ?? 'absent'}: ${send ? 'the answer is sent' : 'the caller has it'}`, () => {
    assert.equal(noneMatch(header, TAG), send)
  })
}

test('with and without what is personal a user has two tags, and neither stands for the other', () => {
  const tags = [true, false].map((seesPersonal) => userEtag(BASE, seesPersonal, 7))
  assert.deepEqual(tags, [TAG, '"ab12.1.n.7"'])
  const [full = '', bare = ''] = tags
  assert.deepEqual([noneMatch(full, bare), noneMatch(bare, full)], [true, true])
  assert.deepEqual([noneMatch(`${bare}, ${full}`, bare), noneMatch(`${bare}, ${full}`, full)], [false, false])
})

test('of permissions, both versions count', () => {
  const tag = etag(BASE, 'p', 7, 3)
  assert.equal(noneMatch(tag, tag), false)
  for (const other of [etag(BASE, 'p', 7, 4), etag(BASE, 'p', 8, 3), etag(BASE, 'p', 7)]) {
    assert.equal(noneMatch(other, tag), true, other)
  }
})

const EXPECTED: [header: string | undefined, versions: number[] | null][] = [
  [undefined, null],
  ['*', null],
  [' * ', null],
  [TAG, [7]],
  [` ${TAG}\t`, [7]],
  ['"ab12.1.p.7.3"', [7]],
  ['"ab12.1.n.7"', [7]],
  ['W/"ab12.1.n.7"', []],
  [`"x", ${TAG}`, [7]],
  [`${TAG},"x"`, [7]],
  [`W/${TAG}, "ab12.1.u.8"`, [8]],
  ['"ab12.1.u.6", "ab12.1.u.7","ab12.1.p.9.3", "cd34.1.u.8"', [6, 7, 9]],
  // The schema is a shape of bodies: a new release does not make a version another one.
  ['"ab12.2.u.7"', [7]],
  ['"ab12.1.u.0"', [0]],
  [`"ab12.1.u.${Number.MAX_SAFE_INTEGER}"`, [Number.MAX_SAFE_INTEGER]],
  ['', []],
  [',', []],
  ['"x"', []],
  ['"*"', []],
  // The strong comparison: a weak tag never matches.
  [`W/${TAG}`, []],
  [`w/${TAG}`, []],
  ['7', []],
  ['"7"', []],
  [TAG.slice(1, -1), []],
  ['"ab12.1.u.7', []],
  ['"ab12.1.u.-7"', []],
  ['"ab12.1.u.7e0"', []],
  ['"ab12.1.u. 7"', []],
  ['"ab12.1.u."', []],
  ['"ab12.1.u.7."', []],
  ['"ab12.1.u.7.3.1"', []],
  [`"ab12.1.u.${'9'.repeat(17)}"`, []],
  ['"ab12.x.u.7"', []],
  // Another history of the database: its version 7 says nothing about ours.
  ['"cd34.1.u.7"', []],
  ['"AB12.1.u.7"', []],
  ['".1.u.7"', []],
  // A tag of the catalogue is no tag of a user.
  ['"ab12.1.r.7"', []],
  ['"ab12.1.U.7"', []],
]
for (const [header, versions] of EXPECTED) {
  test(`If-Match ${header ?? 'absent'} expects ${versions === null ? 'nothing' : `one of ${JSON.stringify(versions)}`}`, () => {
    assert.deepEqual(expectedVersions(header, BASE, USER_VARIANTS), versions)
  })
}

test('of the catalogue, only the catalogue’s tags count', () => {
  assert.deepEqual(expectedVersions('"ab12.1.r.3"', BASE, ['r']), [3])
  assert.deepEqual(expectedVersions(TAG, BASE, ['r']), [])
  assert.deepEqual(expectedVersions('"ab12.1.p.7.3"', BASE, ['r']), [])
})

test(`each tag that is given is understood again, among any others (seed ${SEED})`, () => {
  const version = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const base = fc.record({ epoch: fc.stringMatching(/^[0-9a-f]{1,16}$/), schema: fc.integer({ min: 1, max: 999 }) })
  const variant = fc.constantFrom<EtagVariant>('u', 'n', 'p', 'r')
  const foreign = fc.array(fc.stringMatching(/^(W\/)?"[a-z.]{0,8}"$/), { maxLength: 3 })
  fc.assert(
    fc.property(base, variant, version, fc.option(version), foreign, foreign, (from, of, n, roles, before, after) => {
      const tag = roles === null ? etag(from, of, n) : etag(from, of, n, roles)
      const header = [...before, tag, ...after].join(', ')
      assert.match(tag, /^"[\x21\x23-\x7e]+"$/)
      assert.deepEqual(expectedVersions(header, from, [of]), [n])
      assert.equal(noneMatch(header, tag), false)
      assert.equal(noneMatch([...before, `W/${tag}`, ...after].join(','), tag), false)
      assert.deepEqual(expectedVersions(`W/${tag}`, from, [of]), [])
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test(`whatever is sent, it is no fault (seed ${SEED})`, () => {
  const sent = fc.string({ unit: fc.constantFrom('"', ',', 'W', '/', '.', '*', ' ', '1', 'u', 'ab12', '\u00ff') })
  fc.assert(
    fc.property(sent, (header) => {
      assert.equal(typeof noneMatch(header, TAG), 'boolean')
      const versions = expectedVersions(header, BASE, ['u'])
      assert.ok(versions === null || versions.every(Number.isInteger))
      assert.equal(versions === null, header.trim() === '*')
    }),
    { seed: SEED, numRuns: 300 },
  )
})
