import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { addressOf } from './address.ts'

test('an address is what a trusted proxy says, unless that is none', async (t) => {
  const app = Fastify({ trustProxy: '127.0.0.1' })
  t.after(() => app.close())
  app.get('/', async (request) => addressOf(request))
  const seen = async (forwardedFor?: string) =>
    (await app.inject({ url: '/', headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor } }))
      .body
  assert.equal(await seen(), '127.0.0.1')
  assert.equal(await seen('192.0.2.7'), '192.0.2.7')
  assert.equal(await seen('2001:db8::7'), '2001:db8::7')
  assert.equal(await seen('nobody knows'), '127.0.0.1')
  assert.equal(await seen('192.0.2.7:4711'), '127.0.0.1')
  assert.equal(await seen('x'.repeat(1_000)), '127.0.0.1')
})
