// What whoever runs `npm run pact:…` can mend: settings, arguments, the token, where the broker is.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { startBrokerDouble } from './double.ts'
import { type Env, script, settingsFor } from './running.ts'

const ALL = ['publish', 'verify', 'can-i-deploy', 'record-deployment']
const SECRET = 'passw0rd'
const TRIES = 3

const LACKING: [script: string, env: Env, said: RegExp][] = [
  ['publish', { PACT_BROKER_BASE_URL: '' }, /^PACT_BROKER_BASE_URL is not set: the URL of the Pact broker\.\n$/],
  ['publish', { PACT_BROKER_TOKEN: '' }, /^PACT_BROKER_TOKEN is not set: a token of the Pact broker\.\n$/],
  ['publish', { PACT_BRANCH: 'a branch' }, /^PACT_BRANCH is no single word: the branch\.\n$/],
  [
    'publish',
    { PACT_BROKER_HTTP_RETRIES: 'often' },
    /^PACT_BROKER_HTTP_RETRIES is no whole number between 0 and 8\.\n$/,
  ],
  ['verify', { PACT_BROKER_BASE_URL: 'broker.example' }, /^PACT_BROKER_BASE_URL is no http or https URL\.\n$/],
  ['verify', { PACT_WIP_SINCE: 'yesterday' }, /^PACT_WIP_SINCE is no date: YYYY-MM-DD\.\n$/],
  [
    'can-i-deploy',
    { PACT_ENVIRONMENT: '' },
    /^PACT_ENVIRONMENT is not set: the environment, as the broker knows it\.\n$/,
  ],
  [
    'can-i-deploy',
    { PACT_RETRIES_WHILE_UNKNOWN: '181' },
    /^PACT_RETRIES_WHILE_UNKNOWN is no whole number between 0 and 180\.\n$/,
  ],
  ['can-i-deploy', { PACT_RETRY_INTERVAL_S: '-1' }, /^PACT_RETRY_INTERVAL_S is no whole number between 0 and 60\.\n$/],
  ['record-deployment', { PACT_ENVIRONMENT: '' }, /^PACT_ENVIRONMENT is not set: .*\.\n$/],
]

test('what is not set, or wrong, is said in one sentence, and nobody is asked', async (t) => {
  const broker = await startBrokerDouble(t)
  for (const [name, env, said] of LACKING) {
    const { code, err } = await script(name, { ...settingsFor(broker), ...env })
    assert.equal(code, 1, name)
    assert.match(err, said)
  }
  assert.deepEqual(broker.asked, [])
})

test('an argument that there is not is refused, and nobody is asked', async (t) => {
  const broker = await startBrokerDouble(t)
  for (const name of ALL) {
    const { code, err } = await script(name, settingsFor(broker), '--publsh')
    assert.equal(code, 1, name)
    assert.match(err, /^error: unknown option '--publsh'/)
    assert.match((await script(name, settingsFor(broker), 'publish')).err, /^error: too many arguments/)
  }
  assert.deepEqual(broker.asked, [])
})

test('a URL with a password is refused, and the password not shown', async (t) => {
  const broker = await startBrokerDouble(t)
  for (const name of ALL) {
    const withPassword = broker.url.replace('://', `://user:${SECRET}@`)
    const { code, out, err } = await script(name, { ...settingsFor(broker), PACT_BROKER_BASE_URL: withPassword })
    assert.equal(code, 1, name)
    assert.match(err, /^PACT_BROKER_BASE_URL holds a name or password, .*\n$/)
    assert.ok(!`${out}${err}`.includes(SECRET))
  }
  assert.deepEqual(broker.asked, [])
})

test('a broker that does not take our token fails each of them, and is told nothing', async (t) => {
  const broker = await startBrokerDouble(t)
  for (const name of ALL) {
    const { code, out, err } = await script(name, { ...settingsFor(broker), PACT_BROKER_TOKEN: 'another' })
    assert.equal(code, 1, name)
    assert.match(out + err, /401 Unauthorized/)
  }
  assert.deepEqual([broker.memory.contracts, broker.memory.deployments], [[], []])
})

/** Takes every call, and hangs up. */
async function startDeaf(t: TestContext) {
  let calls = 0
  const server = createServer((socket) => {
    calls += 1
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const callsOf = async (run: () => Promise<unknown>) => {
    calls = 0
    await run()
    return calls
  }
  return { url: `http://127.0.0.1:${port}`, callsOf }
}

test('a broker that does not answer fails each of them, after a few tries', async (t) => {
  const { url, callsOf } = await startDeaf(t)
  const env = settingsFor({ url, token: 'a-token' })
  for (const name of ALL) {
    const calls = await callsOf(async () => {
      const { code, out, err } = await script(name, env)
      assert.equal(code, 1, name)
      assert.ok(`${out}${err}`.includes(url), `${name}: ${out}${err}`)
    })
    assert.equal(calls, TRIES, name)
  }
  const single = { ...env, PACT_BROKER_HTTP_RETRIES: '1' }
  assert.equal(await callsOf(() => script('publish', single)), 1)
})
