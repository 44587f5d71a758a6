import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, refused, SENTENCES } from './refusal.ts'

test('each sentence may stand in WWW-Authenticate, as RFC 6750 section 3 has it', () => {
  for (const sentence of Object.values(SENTENCES)) assert.match(sentence, /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,80}$/)
})

test('what is not foreseen is a malformed token, and its message is not passed on', () => {
  for (const error of [new Error('s3cret'), new TypeError('s3cret'), 's3cret', null, undefined]) {
    const { message, code } = refusalOf(error)
    assert.deepEqual([code, message], ['token-invalid', refused('malformed').message])
  }
})
