import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { LegacyCopy } from '../../ports/strangler.ts'
import { MAX_DECODED_BYTES, readable } from './readable.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const read = (body: Buffer | string, headers: LegacyCopy['headers'] = JSON_TYPE) =>
  readable({ status: 200, headers, body: Buffer.from(body) })
const bodyOf = async (...of: Parameters<typeof read>) => (await read(...of)).comparable?.body
const reasonOf = async (...of: Parameters<typeof read>) => {
  const { comparable, reason } = await read(...of)
  assert.equal(comparable, null)
  return reason
}

test('JSON is parsed where the media type says that it is some', async () => {
  assert.deepEqual(await bodyOf('{"ä": [1]}'), { ä: [1] })
  assert.deepEqual(await bodyOf('{"a": 1}', { 'content-type': 'Application/Problem+JSON; charset=UTF-8' }), { a: 1 })
  assert.deepEqual(await bodyOf('\ufeff{"a": 1}'), { a: 1 })
  assert.equal(await bodyOf('{"a": 1}', { 'content-type': 'text/plain' }), '{"a": 1}')
  assert.equal(await bodyOf('{"a": 1}', {}), '{"a": 1}')
  assert.equal(await bodyOf('', JSON_TYPE), '')
  assert.equal(await bodyOf('null'), null)
})

test('status and headers are handed on', async () => {
  const { comparable } = await readable({ status: 404, headers: { ...JSON_TYPE, etag: '"x"' }, body: Buffer.from('1') })
  assert.deepEqual(comparable, { status: 404, headers: { ...JSON_TYPE, etag: '"x"' }, body: 1 })
})

test('content codings are undone, the last one first', async () => {
  const json = '{"a": "ü"}'
  const coded = (coding: string | string[], body: Buffer) => bodyOf(body, { ...JSON_TYPE, 'content-encoding': coding })
  assert.deepEqual(await coded('gzip', gzipSync(json)), { a: 'ü' })
  assert.deepEqual(await coded('X-GZip', gzipSync(json)), { a: 'ü' })
  assert.deepEqual(await coded('deflate', deflateSync(json)), { a: 'ü' })
  assert.deepEqual(await coded('br', brotliCompressSync(json)), { a: 'ü' })
  assert.deepEqual(await coded('gzip, identity, br', brotliCompressSync(gzipSync(json))), { a: 'ü' })
  assert.deepEqual(await coded(['gzip', 'br'], brotliCompressSync(gzipSync(json))), { a: 'ü' })
})

test('what cannot be read is told, without a word of it, and never thrown', async () => {
  assert.equal(await reasonOf('{"name": "Anna'), 'is no JSON, though it says so')
  assert.equal(await reasonOf(Buffer.from([0x22, 0xff, 0x22])), 'is not in UTF-8')
  const latin = { 'content-type': 'text/html; charset=iso-8859-1' }
  assert.equal(await reasonOf('x', latin), 'is not in UTF-8, by what it says')
  const coded = (coding: string, body: Buffer | string) => reasonOf(body, { ...JSON_TYPE, 'content-encoding': coding })
  assert.equal(await coded('gzip', 'not gzip'), 'cannot be decoded')
  assert.equal(await coded('gzip', gzipSync('"a long enough text"').subarray(0, 20)), 'cannot be decoded')
  assert.equal(await coded('constructor', 'x'), 'has an unknown content coding')
  assert.equal(await coded('br,br,br,br', 'x'), 'has too many content codings')
})

test('a small body that would become a very large one is not made one', async () => {
  const zeros = Buffer.alloc(MAX_DECODED_BYTES + 1)
  for (const [coding, body] of [
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['identity', zeros],
  ] as const)
    assert.equal(await reasonOf(body, { ...JSON_TYPE, 'content-encoding': coding }), 'is too large', coding)
})
