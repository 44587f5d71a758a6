import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNLIMITED } from '../domain/authority.ts'
import type { LegacyRequest } from '../ports/strangler.ts'
import { isOurs, isWebSocket, stickyKey } from './requests.ts'

test('our own paths, and what only looks like them', () => {
  for (const url of [
    '/v1',
    '/v1/',
    '/v1/users/1',
    '/v1?x',
    '/docs',
    '/docs/json',
    '/health/live',
    '/health?x',
    '/%761/users',
    'http://a/v1',
    'HTTPS://a:1/docs/x',
    '/v1#x',
    '/docs?%zz',
    '/%76%31/none?x=%zz',
    '/%76%31/%zz',
    '*v1/users',
    '*health',
  ])
    assert.ok(isOurs(url), url)
  for (const url of [
    '',
    '/',
    '*',
    '/v1x',
    '/v10/users',
    '/V1/users',
    '/healthy',
    '/x/v1/',
    '//v1/users',
    '/docsx',
    'http://h/v1x',
    'ftp://h/v1',
    'http://h?/v1',
    '*/v1',
    'v1',
    '/%zz/v1',
    '/v1%2Fx',
  ])
    assert.ok(!isOurs(url), url)
})

test('a WebSocket is asked for by GET', () => {
  assert.ok(isWebSocket({ method: 'GET', headers: { upgrade: ' WebSocket' } }))
  assert.ok(!isWebSocket({ method: 'POST', headers: { upgrade: 'websocket' } }))
  for (const upgrade of [undefined, 'h2c', 'websocket, h2c'])
    assert.ok(!isWebSocket({ method: 'GET', headers: upgrade === undefined ? {} : { upgrade } }))
})

const asked = (headers: LegacyRequest['headers']): LegacyRequest => ({
  ...{ params: { id: '7', branch: 'B1' }, query: '', headers, body: undefined },
  by: { name: 'local', requestId: 'r', address: '10.0.0.1', ...UNLIMITED },
})

test('a client is told from others by whom they ask about, or by their terminal, or by their address', () => {
  assert.equal(stickyKey({ stickyBy: 'user' }, asked({ 'x-terminal-id': 'T1' })), '7')
  assert.equal(stickyKey({ stickyBy: 'terminal' }, asked({ 'x-terminal-id': 'T1' })), 'T1')
  const named = (id: string) => stickyKey({ stickyBy: 'user' }, { ...asked({}), params: { id } })
  assert.equal(named('Zofia.Wojcik'), named('zofia.wojcik'))
  assert.equal(stickyKey({ stickyBy: 'user' }, { ...asked({}), params: {} }), '')
  for (const headers of [{}, { 'x-terminal-id': '' }, { 'x-terminal-id': ['a', 'b'] }])
    assert.equal(stickyKey({ stickyBy: 'terminal' }, asked(headers)), '10.0.0.1')
})
