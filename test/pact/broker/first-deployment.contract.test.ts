// The job of docs/contracts.md at a broker that knows nobody yet.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SERVICE } from '../kept.ts'
import { askedWhetherItLives, madeUpContract } from '../made-up.ts'
import { startBrokerDouble } from './double.ts'
import { BRANCH, type Env, released, script, settingsFor, VERSION } from './running.ts'

const WITHOUT_PACT = { PACT_BROKER_CAN_I_DEPLOY_IGNORE: 'debezium,branches-service,legacy,people-service' }

async function rig(t: TestContext) {
  const broker = await startBrokerDouble(t)
  const run = (name: string, env: Env = {}, ...args: string[]) =>
    script(name, { ...settingsFor(broker), ...env }, ...args)
  return { broker, run }
}

test('as long as nobody has told what they consume, there is nothing to verify, and that fails nobody', async (t) => {
  const { broker, run } = await rig(t)
  assert.equal((await run('publish')).code, 0)
  const { code, out, err } = await run('verify', {}, '--publish')
  assert.equal(code, 0, err)
  assert.match(out, /No pacts found for provider 'users-service'/)
  assert.deepEqual(broker.memory.results, [])

  const { code: refused, out: said } = await run('can-i-deploy')
  assert.equal(refused, 1)
  assert.match(said, /3 are not known/, 'our neighbours')
  assert.equal((await run('can-i-deploy', WITHOUT_PACT)).code, 0)
  assert.equal((await run('record-deployment')).code, 0)
  assert.deepEqual(broker.memory.deployments, [{ name: SERVICE, version: VERSION }])
})

test('a consumer that is deployed already has to be kept by the first deployment, too', async (t) => {
  const { broker, run } = await rig(t)
  const folder = madeUpContract(t, 'a-consumer', [askedWhetherItLives('asks')])
  assert.ok(await released(broker, folder, 'c-1', ['a-consumer']))
  assert.equal((await run('publish')).code, 0)
  const { code, out } = await run('can-i-deploy', WITHOUT_PACT)
  assert.equal(code, 1)
  assert.match(out, /1 are not known/)
  const PACT_BRANCH = 'dependabot/npm_and_yarn/@types/node-1'
  assert.equal((await run('verify', { PACT_BRANCH }, '--publish')).code, 0)
  assert.deepEqual(
    broker.memory.branches.map((one) => one.branch),
    [PACT_BRANCH],
    'a name with more than letters in it comes whole',
  )
  assert.equal((await run('can-i-deploy', WITHOUT_PACT)).code, 0)
})

test('what was never published is neither verified, nor deployed, nor recorded', async (t) => {
  const { broker, run } = await rig(t)
  for (const name of ['verify', 'can-i-deploy', 'record-deployment'])
    assert.equal((await run(name, WITHOUT_PACT)).code, 1, name)
  assert.match((await run('verify')).err, /^The broker does not know users-service, or does not say so, .*404.*\n$/)
  broker.memory.onBranch({ name: SERVICE, branch: BRANCH, version: 'another' })
  for (const name of ['can-i-deploy', 'record-deployment']) assert.equal((await run(name, WITHOUT_PACT)).code, 1, name)
})

test('an address at which there is no broker is no broker without contracts', async (t) => {
  const { broker, run } = await rig(t)
  assert.equal((await run('publish')).code, 0)
  const { code, err } = await run('verify', { PACT_BROKER_BASE_URL: `${broker.url}/wrong` })
  assert.equal(code, 1)
  assert.match(err, /^The broker does not know users-service, or does not say so, .*\/wrong'\n$/)
})
