import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

test('metrics are served where METRICS_PORT says so', () => {
  assert.equal(readConfig({}).metrics, null)
  assert.equal(readConfig({ METRICS_HOST: '10.0.0.1' }).metrics, null)
  assert.deepEqual(readConfig({ METRICS_PORT: '9464' }).metrics, { host: '127.0.0.1', port: 9_464 })
  assert.deepEqual(readConfig({ METRICS_PORT: '0' }).metrics, { host: '127.0.0.1', port: 0 })
})

test('on the address that the service listens on, unless METRICS_HOST names another', () => {
  const both = { HOST: '0.0.0.0', METRICS_PORT: '9464' }
  assert.equal(readConfig(both).metrics?.host, '0.0.0.0')
  assert.equal(readConfig({ ...both, METRICS_HOST: '127.0.0.1' }).metrics?.host, '127.0.0.1')
})

test('never on the port of the service; each may take a free one', () => {
  const refusal = new ConfigError('Wrong settings. METRICS_PORT: another port than PORT')
  assert.throws(() => readConfig({ METRICS_PORT: '8080' }), refusal)
  assert.throws(() => readConfig({ PORT: '9464', METRICS_PORT: '9464', METRICS_HOST: '10.0.0.1' }), refusal)
  assert.equal(readConfig({ PORT: '0', METRICS_PORT: '0' }).metrics?.port, 0)
})
