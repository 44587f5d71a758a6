import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sharedLookup } from './shared-lookup.ts'

test('a name is looked up once for all who want it at the same time, and anew for whoever comes later', () => {
  const asked: [string, (error: null, address: string, family: number) => void][] = []
  const lookup = sharedLookup((hostname, _options, callback) => void asked.push([hostname, callback]))
  const found: string[] = []
  const want = (hostname: string, family = 0) =>
    lookup(hostname, { family }, (_error, address) => void found.push(`${hostname} ${family} ${address}`))
  want('a')
  want('b')
  want('a')
  want('a', 6)
  assert.deepEqual(
    asked.map(([hostname]) => hostname),
    ['a', 'b', 'a'],
  )
  asked[0]?.[1](null, '10.0.0.1', 4)
  assert.deepEqual(found, ['a 0 10.0.0.1', 'a 0 10.0.0.1'])
  want('a')
  assert.equal(asked.length, 4)
})
