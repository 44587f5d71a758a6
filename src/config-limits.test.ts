import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

const origins = (CORS_ORIGINS: string) => readConfig({ CORS_ORIGINS }).http.corsOrigins

test('origins are taken as browsers write them, and are none unless somebody names them', () => {
  assert.deepEqual(readConfig({}).http.corsOrigins, [])
  assert.deepEqual(origins('https://hr.example.com'), ['https://hr.example.com'])
  assert.deepEqual(origins('https://a.example,http://localhost:5173'), ['https://a.example', 'http://localhost:5173'])
})

test('what no browser sends as an origin, or would let anybody in, is refused at the start', () => {
  const refusal = new ConfigError('Wrong settings. CORS_ORIGINS: https://host,https://host:port, at most 100')
  const wrong = [
    ...['*', 'null', 'https://*.example.com', 'https://a.example/', 'https://a.example/x', 'HTTPS://a.example'],
    ...[
      'https://A.example',
      'a.example',
      'https://a.example, https://b.example',
      'https://a,',
      'https://a:b',
      'file://a',
    ],
    Array.from({ length: 101 }, (_, i) => `https://h${i}`).join(),
  ]
  for (const value of wrong) assert.throws(() => origins(value), refusal, value)
})
