import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

async function modesFile(t: TestContext, text: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'modes.json')
  await writeFile(path, text)
  return path
}

test('LEGACY_URL has no user, password, query or fragment', () => {
  for (const url of ['http://old', 'https://old:8443/app/'])
    assert.equal(readConfig({ LEGACY_URL: url }).legacy.url, url)
  for (const url of ['old', 'ftp://old', 'http://u@old', 'http://u:p@old', 'http://old?x', 'http://old/#x'])
    assert.throws(() => readConfig({ LEGACY_URL: url }), /LEGACY_URL/, url)
})

test('STRANGLER_MODES is read as it is: who knows the routes checks it', async (t) => {
  const path = await modesFile(t, '{"get-user": {"mode": "canary", "percent": 5}}')
  assert.deepEqual(readConfig({ STRANGLER_MODES: path }).legacy.startModes, {
    'get-user': { mode: 'canary', percent: 5 },
  })
})

test('a file that is not there, or holds something else, is said', async (t) => {
  const refusal = (what: string) => new ConfigError(`Wrong settings. STRANGLER_MODES: the file ${what}`)
  assert.throws(() => readConfig({ STRANGLER_MODES: '/nowhere/modes.json' }), refusal('cannot be read'))
  for (const text of ['', '{', '[]', 'null', '"native"']) {
    const path = await modesFile(t, text)
    assert.throws(() => readConfig({ STRANGLER_MODES: path }), refusal('holds no JSON object'), text)
  }
})

test('TRUSTED_PROXIES are addresses and blocks, none of which is everybody', () => {
  for (const given of ['10.0.0.1', '10.0.0.0/8,::1', '2001:db8::/32', '::ffff:10.0.0.1', '10.0.0.0/32'])
    assert.deepEqual(readConfig({ TRUSTED_PROXIES: given }).legacy.trustedProxies, given.split(','))
  const refusal = new ConfigError('Wrong settings. TRUSTED_PROXIES: addresses or CIDR blocks, separated by commas')
  for (const wrong of [
    ...['10.0.0.0/99', '999.1.1.1', '10.0.0.0/255.0.0.0', '10.0.0.0/', '0.0.0.0/0', '::/0', '10.0.0.0/8/8', 'all'],
    ...['10.0.0.1, 10.0.0.2', '10.0.0.1,', '2001:db8::/129', '10.0.0.0/-1', '10.0.0.0/08'],
  ])
    assert.throws(() => readConfig({ TRUSTED_PROXIES: wrong }), refusal, wrong)
})
