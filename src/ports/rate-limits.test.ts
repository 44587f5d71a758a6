import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { test } from 'node:test'
import { type Load, loadOf } from './rate-limits.ts'

test('what changes nothing counts as a read, every other method as a write, unless the route says what', () => {
  const reads = METHODS.filter((method) => loadOf(method) === 'read')
  assert.deepEqual(reads.sort(), ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
  const said: Load = 'search'
  for (const method of METHODS) assert.equal(loadOf(method, said), said)
})
