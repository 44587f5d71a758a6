import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ForwardedHeaders, forwarding } from './forwarding.ts'

const NOTHING: ForwardedHeaders = { for: '', host: '', proto: '', port: '', forwarded: '' }
const GIVEN: ForwardedHeaders = {
  ...{ for: '203.0.113.7', host: 'shop.example', proto: 'https', port: '8443' },
  forwarded: 'for=203.0.113.7;proto=https',
}

function forwarded(trusted: string[], given: ForwardedHeaders, address: string, host = 'shop:81', isEncrypted = false) {
  const raw = forwarding(trusted).headers(given, { address, isEncrypted }, host)
  return raw.filter((_, i) => i % 2 === 1)
}

test('who asks, and how, is said as the connection shows it', () => {
  assert.deepEqual(forwarded([], NOTHING, '192.0.2.1'), [
    ...['192.0.2.1', 'shop:81', 'http', '81', 'for=192.0.2.1;host="shop:81";proto=http'],
  ])
  assert.deepEqual(forwarded([], NOTHING, '2001:db8::1', 'shop', true), [
    ...['2001:db8::1', 'shop', 'https', '443', 'for="[2001:db8::1]";host=shop;proto=https'],
  ])
  assert.equal(forwarded([], NOTHING, '::ffff:192.0.2.1', '')[4], 'for=192.0.2.1;host="";proto=http')
})

test('what a stranger says of that is not believed', () => {
  for (const trusted of [[], ['192.0.2.2'], ['10.0.0.0/8', '2001:db8::/32']])
    assert.deepEqual(forwarded(trusted, GIVEN, '192.0.2.1'), forwarded([], NOTHING, '192.0.2.1'))
})

test('what a trusted proxy says is kept, and it is named', () => {
  const expected = [
    ...['203.0.113.7, 192.0.2.1', 'shop.example', 'https', '8443'],
    'for=203.0.113.7;proto=https, for=192.0.2.1;host="shop:81";proto=http',
  ]
  for (const trusted of [['192.0.2.1'], ['198.51.100.1', '192.0.2.0/24']]) {
    assert.deepEqual(forwarded(trusted, GIVEN, '192.0.2.1'), expected)
    assert.deepEqual(forwarded(trusted, GIVEN, '::ffff:192.0.2.1'), expected)
  }
  assert.deepEqual(forwarded(['2001:db8::/32'], { ...NOTHING, proto: 'https' }, '2001:db8::1', 'shop').slice(0, 4), [
    ...['2001:db8::1', 'shop', 'https', '443'],
  ])
})

test('a chain that a trusted proxy has in the older words only is said in those of RFC 7239 too, details of the first', () => {
  const given = { ...NOTHING, for: '203.0.113.7, "2001:db8::7",, 198.51.100.4', host: 'shop.example' }
  const [chain, , , , forwardedAs] = forwarded(['192.0.2.1'], given, '192.0.2.1', 'shop')
  assert.equal(chain, `${given.for}, 192.0.2.1`)
  assert.equal(
    forwardedAs,
    [
      'for=203.0.113.7;host=shop.example;proto=http',
      'for="[2001:db8::7]"',
      'for=198.51.100.4',
      'for=192.0.2.1;host=shop;proto=http',
    ].join(', '),
  )
})
