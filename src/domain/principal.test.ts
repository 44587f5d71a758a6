import assert from 'node:assert/strict'
import { test } from 'node:test'
import { principalKey } from './principal.ts'

test('no two of subject and client have one key, whatever stands in them', () => {
  const names = ['', 'a', 'b', 'ab']
  const keys = names.flatMap((subject) => names.map((client) => principalKey({ subject, client })))
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(principalKey({ subject: 'a', client: null }), principalKey({ subject: 'a', client: '' }))
})
