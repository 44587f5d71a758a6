import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { quiet } from '../../test/support/authenticators.ts'
import { bearer } from '../../test/support/tokens.ts'
import { authenticator } from '../adapters/jose/authenticator.ts'
import { readConfig } from '../config.ts'
import { mintToken } from '../wiring-tokens.ts'
import { type Options, seconds, tokenForTour, wantedBy } from './token.ts'
import { tour } from './tour.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')
const LIMIT_MS = 60_000
const ISSUER = { AUTH_ISSUER: 'https://i', AUTH_AUDIENCE: 'a', AUTH_JWKS_URL: 'https://i/keys' }

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-token-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** `users-service token …` as a process of its own. */
function token(DATA_DIR: string, args: string[], environment: Record<string, string> = {}) {
  const options = { env: { DATA_DIR, ...environment }, timeout: LIMIT_MS }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [MAIN, 'token', ...args], options, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('a token is all that it prints, and says what the options say', async (t) => {
  const dir = await folder(t)
  const options =
    '--scope users:read --scope users:write --subject till-7 --client pos --branches B001,B002 --user-id 7'
  const { code, out, err } = await token(dir, `${options} --expires-in 30m`.split(' '))
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  const { authenticate } = await authenticator({ ...readConfig({ DATA_DIR: dir }).auth, log: quiet })
  const { key: _, ...principal } = await authenticate(bearer(out.trim()))
  assert.deepEqual(principal, {
    ...{ subject: 'till-7', client: 'pos', scopes: new Set(['users:read', 'users:write']) },
    ...{ branches: ['B001', 'B002'], userId: 7 },
  })
  const { iat, exp } = JSON.parse(Buffer.from(out.split('.')[1] ?? '', 'base64url').toString())
  assert.equal(exp - iat, 1_800)
})

test('what cannot be is one sentence, and nothing is printed', async (t) => {
  const dir = await folder(t)
  const refusals: [args: string[], environment: Record<string, string>, why: RegExp][] = [
    [['--scope', 'users:all'], {}, /Allowed choices are users:read, /],
    [['--all-scopes', '--expires-in', '5'], {}, /a whole number with s, m, h or d/],
    [['--all-scopes'], ISSUER, /^AUTH_ISSUER is set: /],
  ]
  const said = await Promise.all(refusals.map(([args, environment]) => token(dir, args, environment)))
  for (const [index, { code, out, err }] of said.entries()) {
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, refusals[index]?.[2] ?? /never/)
    assert.match(err, /^[^\n]+\n$/)
  }
})

test('what would not be taken is not made', async (t) => {
  const dir = await folder(t)
  const refusals: [options: Partial<Options>, environment: Record<string, string>, why: RegExp][] = [
    [{}, {}, /^Say what it is good for: --all-scopes, or --scope with some of users:read, /],
    [{ allScopes: true, scope: ['operate'] }, {}, /^Either --scope or --all-scopes/],
    [{ allScopes: true, subject: 'zoë' }, {}, /^Subject and client are 1 to 128 visible ASCII characters/],
    [{ allScopes: true, client: '' }, {}, /^Subject and client are 1 to 128 visible ASCII characters/],
    [{ allScopes: true, branches: ['B001', ''] }, {}, /branches 1 to 64/],
    [{ allScopes: true, expiresIn: 86_401 }, {}, /^A token that is good for more than 86400 s/],
    [{ allScopes: true }, ISSUER, /^AUTH_ISSUER is set: /],
    [{ allScopes: true }, { HOST: '0.0.0.0' }, /^HOST is not on this machine alone/],
  ]
  for (const [options, environment, message] of refusals) {
    const config = readConfig({ DATA_DIR: dir, ...environment })
    const minting = async () => mintToken(config, wantedBy({ subject: 'x', expiresIn: 60, ...options }))
    await assert.rejects(minting(), { expected: true, message })
  }
})

test('times are in seconds, minutes, hours and days', () => {
  const times = { '90s': 90, '30m': 1_800, '12h': 43_200, '1d': 86_400 }
  for (const [text, expected] of Object.entries(times)) assert.equal(seconds(text), expected)
  for (const text of ['', '5', 'h', '0h', '-1h', '1.5h', '1w', '1h30m', ' 1h', '1H', '99999999s']) {
    assert.throws(() => seconds(text), /whole number/, text)
  }
})

test('what the tour says can be pasted as it is', async (t) => {
  const config = readConfig({ DATA_DIR: await folder(t), AUTH_LONGEST_TOKEN_S: '600' })
  const said = tour('http://127.0.0.1:8080', await tokenForTour(config))
  assert.match(said, /development key/)
  const [, shown = ''] = /^ {2}TOKEN=(\S+)$/m.exec(said) ?? []
  const { authenticate } = await authenticator({ ...config.auth, log: quiet })
  assert.equal(
    (await authenticate(bearer(shown))).scopes.size,
    6,
    'also where tokens are good for less than half a day',
  )
  const calls = said.split('\n').filter((line) => line.includes('curl '))
  assert.equal(calls.length, 5)
  for (const call of calls) assert.ok(call.includes('-H "authorization: Bearer $TOKEN"'), call)
})

test('with an issuer the tour shows no token', () => {
  const said = tour('http://127.0.0.1:8080', null)
  assert.match(said, /^ {2}TOKEN=…$/m)
  assert.doesNotMatch(said, /development/)
})
