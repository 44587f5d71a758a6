import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './network.ts'

const SAME: [string, string][] = [
  ['192.0.2.7', '::ffff:192.0.2.7'],
  ['192.0.2.7', '::FFFF:192.0.2.7'],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
  ['2001:db8:1:2::1', '2001:0DB8:0001:0002:0000:0000:0000:0009'],
  ['2001:db8::1', '2001:db8:0:0:5::'],
  ['fe80::1%eth0', 'fe80::2%eth1'],
  ['::1', '::2'],
  ['2001:db8::', '2001:db8::7'],
]
const OTHER: [string, string][] = [
  ['192.0.2.7', '192.0.2.8'],
  ['2001:db8:1:2::1', '2001:db8:1:3::1'],
  ['2001:db8::1', '2001:db8:0:1::1'],
  ['::1', '1::'],
  ['::1', '192.0.2.7'],
]

for (const [a, b] of SAME) test(`${a} and ${b} are one place`, () => assert.equal(networkOf(a), networkOf(b)))
for (const [a, b] of OTHER) test(`${a} and ${b} are two places`, () => assert.notEqual(networkOf(a), networkOf(b)))

test('what is no address is its own place, and long ones cost no more than they are long', () => {
  for (const text of ['', 'unknown', ':', '::', '%', ':::::::::::', 'a:'.repeat(10_000)]) networkOf(text)
})
