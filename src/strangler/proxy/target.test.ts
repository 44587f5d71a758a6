import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '../../wire/problem.ts'
import { isHost, targetOf } from './target.ts'

const pathOf = (target: string, prefix = '', method = 'GET') => targetOf(method, target, prefix).path

test('a path is passed on byte for byte', () => {
  for (const target of [
    '/',
    '/a//b',
    '//other/x',
    '/a/../b',
    '/%2e%2e/a%2Fb',
    '/\\',
    '/a?b=/../c',
    '/a"<>|^`{}',
    '/?',
    '/a;b#c',
  ])
    assert.equal(pathOf(target), target)
})

test('an absolute target is its path, and its host becomes that of the request', () => {
  const cases = [
    ['http://other/a?b', '/a?b', 'other'],
    ['HTTPS://other:8443/', '/', 'other:8443'],
    ['http://other', '/', 'other'],
    ['http://other?b', '/?b', 'other'],
    ['http://[::1]:80/a', '/a', '[::1]:80'],
  ] as const
  for (const [target, path, authority] of cases) assert.deepEqual(targetOf('GET', target, ''), { path, authority })
})

test('OPTIONS may ask of everything', () => {
  assert.equal(pathOf('*', '/old', 'OPTIONS'), '*')
  assert.deepEqual(targetOf('OPTIONS', 'http://other', '/old'), { path: '*', authority: 'other' })
})

test('everything is beneath the path of the base URL, and nothing leaves it', () => {
  assert.equal(pathOf('/a/.../b/..c/.d?x=/../', '/old'), '/old/a/.../b/..c/.d?x=/../')
  assert.equal(pathOf('http://other/a', '/old'), '/old/a')
  const leaving = [
    '/..',
    '/a/../b',
    '/./a',
    '/%2e%2E/a',
    '/.%2e',
    '/a%2f..%2Fb',
    '/a\\..\\b',
    '/a%5c%2e%2e',
    '/..;x/a',
    '/%252e%252e/',
    '/%25252e./',
  ]
  for (const target of leaving) assert.throws(() => pathOf(target, '/old'), Refusal, target)
})

test('other targets are refused', () => {
  const others = [
    '',
    'a',
    '?a',
    'ftp://other/',
    'file:///a',
    'javascript:a',
    'http:/a',
    'http:///a',
    'http://user@other/',
    'http://a b/',
    'http://other#a',
    'http://oth\\er/',
    'other:443',
    '*',
    '/a b',
    '/a\tb',
    '/a\nb',
    '/\u0100',
  ]
  for (const target of others) assert.throws(() => pathOf(target), Refusal, JSON.stringify(target))
})

test('a host is a name or an address, perhaps with a port', () => {
  for (const host of ['', 'shop', 'shop.example:8080', '127.0.0.1:', '[::1]:80', 'a_b-c', '%41'])
    assert.ok(isHost(host), host)
  for (const host of ['a b', 'a/b', 'a@b', 'a:b', 'a:1:2', '[::1', 'a,b"', 'a\\b', 'a?b', 'a#b', ':123456', '\xe9'])
    assert.ok(!isHost(host), host)
})
