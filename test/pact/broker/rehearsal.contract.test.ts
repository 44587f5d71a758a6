// A release, as a pipeline does it, with the real command line, the real verifier and the real service; only the broker is
// a double.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { CONTRACTS, SERVICE } from '../kept.ts'
import { type BrokerDouble, startBrokerDouble } from './double.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const CLI = join(ROOT, 'node_modules', '@pact-foundation', 'pact-cli', 'bin', 'pact-broker.js')
const VERSION = '0a1b2c3'
const BRANCH = 'feature/contracts'
const CONSUMERS = ['admin-console', 'hr-feed', 'point-of-sale-terminal']
const SETTINGS = { PACT_VERSION: VERSION, PACT_BRANCH: BRANCH, PACT_ENVIRONMENT: 'production' }
type Env = Record<string, string | undefined>

async function run(args: string[], env: Env) {
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { PATH: process.env.PATH, ...env } })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, out, err }
}
const settingsFor = ({ url, token }: BrokerDouble): Env => ({ PACT_BROKER_BASE_URL: url, PACT_BROKER_TOKEN: token })
const script = (name: string, env: Env, ...args: string[]) => run([`scripts/pact/${name}.ts`, ...args], env)

/** As a consumer's own pipeline does. */
function published(broker: BrokerDouble, path: string, version: string, branch: string) {
  const args = ['publish', path, '--consumer-app-version', version, '--branch', branch]
  return run([CLI, ...args], { ...settingsFor(broker), PACT_DO_NOT_TRACK: 'true' })
}

/** A terminal's contract that this service does not keep: it asks for what nobody shows. */
function impossible(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const name = `point-of-sale-terminal-${SERVICE}.json`
  const contract = JSON.parse(readFileSync(join(CONTRACTS, 'consumers', name), 'utf8'))
  const wanted = contract.interactions.find((one: { description: string }) =>
    one.description.endsWith('user by number'),
  )
  wanted.response.body.content.shoeSize = 42
  writeFileSync(join(folder, name), JSON.stringify({ ...contract, interactions: [wanted] }))
  return folder
}

test('a release, from contracts to a deployment', async (t) => {
  const broker = await startBrokerDouble(t)
  const env = { ...settingsFor(broker), ...SETTINGS }
  const since = (count: number) => broker.asked.slice(count)
  const askedBy = async (name: string, ...args: string[]) => {
    const before = broker.asked.length
    const ended = await script(name, env, ...args)
    assert.ok(since(before).every(({ authorization }) => authorization === `Bearer ${broker.token}`))
    return { ...ended, asked: since(before) }
  }

  await t.test('what we consume is published, of this version and branch', async () => {
    const { code, asked, err } = await askedBy('publish')
    assert.equal(code, 0, err)
    assert.deepEqual(
      broker.memory.contracts
        .map(({ consumer, version, branch, provider }) => [consumer, version, branch, provider])
        .sort(),
      ['branches-service', 'debezium', 'legacy', 'people-service'].map((provider) => [
        SERVICE,
        VERSION,
        BRANCH,
        provider,
      ]),
    )
    const [first] = asked.filter(({ method }) => method === 'POST')
    assert.equal(first?.path, '/contracts/publish')
    assert.partialDeepStrictEqual(first.body.contracts[0], { specification: 'pact', contentType: 'application/json' })
  })

  await t.test('before anything is verified, nothing may be deployed', async () => {
    const { code } = await published(broker, join(CONTRACTS, 'consumers'), 'c-1', 'main')
    assert.equal(code, 0)
    const { code: refused, out, err, asked } = await askedBy('can-i-deploy')
    assert.equal(refused, 1)
    assert.match(out + err, /3 are not known/)
    const [{ path, query } = assert.fail()] = asked
    assert.equal(path, '/matrix')
    assert.deepEqual(Object.fromEntries(query), {
      ...{ 'q[][pacticipant]': SERVICE, 'q[][version]': VERSION },
      ...{ latestby: 'cvpv', environment: 'production' },
    })
  })

  await t.test('what others consume is verified, and the result published with version and branch', async () => {
    await published(broker, impossible(t), 'c-2', 'feature/shoes')
    const { code, err, asked } = await askedBy('verify', '--publish')
    assert.equal(code, 0, err)
    const selection = asked.find(({ method, path }) => method === 'POST' && path.endsWith('/for-verification'))?.body
    assert.deepEqual(selection.consumerVersionSelectors, [
      { mainBranch: true },
      { deployedOrReleased: true },
      { matchingBranch: true },
    ])
    assert.partialDeepStrictEqual(selection, { includePendingStatus: true, providerVersionBranch: BRANCH })
    assert.match(selection.includeWipPactsSince, /^20\d\d-\d\d-\d\d$/)
    assert.deepEqual(broker.memory.branches.at(0), { name: SERVICE, branch: BRANCH, version: VERSION })
    const results = broker.memory.results.map(({ contract, success, providerApplicationVersion }) => {
      const { consumer, branch } = broker.memory.contract(contract)
      return `${consumer} of ${branch}: ${success} for ${providerApplicationVersion}`
    })
    const kept = CONSUMERS.map((consumer) => `${consumer} of main: true for ${VERSION}`)
    // What a consumer tries on a branch of its own fails nobody's build, and is told.
    const tried = `point-of-sale-terminal of feature/shoes: false for ${VERSION}`
    assert.deepEqual(results.sort(), [...kept, tried].sort())
    const posted = asked.find(({ path }) => path.endsWith('/verification-results'))?.body
    assert.ok(posted.testResults.length > 5 && posted.verifiedBy.implementation, 'each interaction is told of')
  })

  await t.test('then it may be deployed, and that it is is recorded', async () => {
    assert.equal((await askedBy('can-i-deploy')).code, 0)
    assert.equal((await askedBy('record-deployment')).code, 0)
    assert.deepEqual(broker.memory.deployments, [{ name: SERVICE, version: VERSION }])
  })

  await t.test('what was kept, and is not any more, fails, is named, and may not be deployed', async () => {
    await published(broker, impossible(t), 'c-3', 'main')
    const before = broker.memory.results.length
    const { code, err } = await askedBy('verify')
    assert.equal(code, 1)
    assert.match(err, /a question for a user by number.*shoeSize/)
    assert.equal(broker.memory.results.length, before, 'without --publish nothing is told')
    const { code: refused, out, err: said } = await askedBy('can-i-deploy')
    assert.equal(refused, 1)
    assert.match(out + said, /1 are not known/)
  })
})

const LACKING: [script: string, env: Env, said: RegExp][] = [
  ['publish', { PACT_BROKER_BASE_URL: '' }, /^PACT_BROKER_BASE_URL is not set: the URL of the Pact broker\.\n$/],
  ['publish', { PACT_BROKER_TOKEN: '' }, /^PACT_BROKER_TOKEN is not set: a token of the Pact broker\.\n$/],
  ['publish', { PACT_BRANCH: 'a branch' }, /^PACT_BRANCH is no single word: the branch\.\n$/],
  ['verify', { PACT_BROKER_BASE_URL: 'broker.example' }, /^PACT_BROKER_BASE_URL is no http or https URL\.\n$/],
  ['verify', { PACT_WIP_SINCE: 'yesterday' }, /^PACT_WIP_SINCE is no date: YYYY-MM-DD\.\n$/],
  [
    'can-i-deploy',
    { PACT_ENVIRONMENT: '' },
    /^PACT_ENVIRONMENT is not set: the environment, as the broker knows it\.\n$/,
  ],
  ['record-deployment', { PACT_ENVIRONMENT: '' }, /^PACT_ENVIRONMENT is not set: .*\.\n$/],
]

test('what is not set, or wrong, is said in one sentence, and nobody is asked', async (t) => {
  const broker = await startBrokerDouble(t)
  for (const [name, env, said] of LACKING) {
    const { code, err } = await script(name, { ...settingsFor(broker), ...SETTINGS, ...env })
    assert.equal(code, 1, name)
    assert.match(err, said)
  }
  assert.deepEqual(broker.asked, [])
})

test('a broker that does not take our token fails each of them', async (t) => {
  const broker = await startBrokerDouble(t)
  const env = { ...settingsFor(broker), ...SETTINGS, PACT_BROKER_TOKEN: 'another' }
  for (const name of ['publish', 'can-i-deploy', 'record-deployment']) {
    const { code } = await script(name, env)
    assert.equal(code === 0, false, name)
  }
  assert.deepEqual(broker.memory.contracts, [])
})
