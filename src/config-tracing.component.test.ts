import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'
import { environmentFor } from './config-tracing.ts'

const KEY = { NEW_RELIC_LICENSE_KEY: 'secret-key' }
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }

test('nothing is reported unless somebody says to whom', () => {
  assert.equal(readConfig({}).tracing, null)
  assert.equal(readConfig({ NEW_RELIC_APP_NAME: 'tills', OTEL_SERVICE_NAME: 'tills' }).tracing, null)
})

test('a licence key is New Relic, an endpoint OpenTelemetry, its path added', () => {
  assert.deepEqual(readConfig({ ...KEY, TRACING_HOT_ONE_IN: '7' }).tracing, {
    ...{ agent: 'newrelic', licenseKey: 'secret-key', appName: 'users-service', host: null, port: 443 },
    ...{ certificates: null, proxyUrl: null, logLevel: 'warn', hotOneIn: 7 },
  })
  assert.deepEqual(readConfig({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b,x=1' }).tracing, {
    ...{ agent: 'opentelemetry', url: 'http://collector:4318/v1/traces', headers: { 'api-key': 'a b', x: '1' } },
    ...{ serviceName: 'users-service', share: 1, hotOneIn: 100 },
  })
  const whole = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/traces' }
  assert.equal((readConfig(whole).tracing as { url: string }).url, 'https://other/traces')
})

test('secrets may stand in files', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'users-service-config-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'secret')
  writeFileSync(file, 'from-a-file\n')
  const newRelic = readConfig({ NEW_RELIC_LICENSE_KEY_FILE: file }).tracing
  assert.equal((newRelic as { licenseKey: string }).licenseKey, 'from-a-file')
  writeFileSync(file, 'api-key=1\n')
  const openTelemetry = readConfig({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS_FILE: file }).tracing
  assert.deepEqual((openTelemetry as { headers: object }).headers, { 'api-key': '1' })
  writeFileSync(file, '\n')
  assert.throws(() => readConfig({ NEW_RELIC_LICENSE_KEY_FILE: file }), ConfigError)
  assert.throws(
    () => readConfig({ NEW_RELIC_LICENSE_KEY_FILE: join(dir, 'none') }),
    /NEW_RELIC_LICENSE_KEY_FILE: a file/,
  )
})

test('two agents are refused, and so is what cannot be; no message quotes a secret', () => {
  const wrong = [
    [{ ...KEY, ...ENDPOINT }, /one of them/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_ENDPOINT: http/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:secret@collector' }, /OTEL_EXPORTER_OTLP_ENDPOINT: http/],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, /OTEL_EXPORTER_OTLP_HEADERS: name=value/],
    [{ ...ENDPOINT, OTEL_TRACES_SAMPLER_ARG: '1.5' }, /OTEL_TRACES_SAMPLER_ARG: a share/],
    [{ ...KEY, TRACING_HOT_ONE_IN: '0' }, /TRACING_HOT_ONE_IN: a whole number/],
    [{ NEW_RELIC_LICENSE_KEY: 'two secrets' }, /NEW_RELIC_LICENSE_KEY: a licence key/],
  ] as const
  for (const [environment, expected] of wrong) {
    assert.throws(
      () => readConfig(environment),
      (error: Error) =>
        error instanceof ConfigError && expected.test(error.message) && !error.message.includes('secret'),
      JSON.stringify(environment),
    )
  }
})

test('an agent finds its settings in the environment only while it loads, and no others of its own', () => {
  const environment: NodeJS.ProcessEnv = { PATH: '/bin', AGENT_KEY: 'theirs', AGENT_MORE: 'x' }
  const inside = environmentFor(environment)(
    { AGENT_KEY: 'ours', AGENT_NEW: 'y' },
    (name) => name.startsWith('AGENT_'),
    () => ({ ...environment }),
  )
  assert.deepEqual(inside, { PATH: '/bin', AGENT_KEY: 'ours', AGENT_NEW: 'y' })
  assert.deepEqual(environment, { PATH: '/bin', AGENT_KEY: 'theirs', AGENT_MORE: 'x' })
  const failing = () =>
    environmentFor(environment)(
      { AGENT_NEW: 'y' },
      () => true,
      () => {
        throw new Error('it does not load')
      },
    )
  assert.throws(failing, /it does not load/)
  assert.deepEqual(environment, { PATH: '/bin', AGENT_KEY: 'theirs', AGENT_MORE: 'x' })
})
