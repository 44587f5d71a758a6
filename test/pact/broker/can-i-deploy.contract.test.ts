import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { freePort } from '../../../src/adapters/redis/free-port.ts'
import { until } from '../../support/service.ts'
import { SERVICE } from '../kept.ts'
import { askedWhetherItLives, madeUpContract } from '../made-up.ts'
import { startBrokerDouble } from './double.ts'
import { BRANCH, type Env, published, released, script, settingsFor, VERSION } from './running.ts'

const SOON = { PACT_RETRIES_WHILE_UNKNOWN: '3', PACT_RETRY_INTERVAL_S: '0' }
/** More often than it is ever asked in these tests. */
const WHILE_WAITED = { PACT_RETRIES_WHILE_UNKNOWN: '180', PACT_RETRY_INTERVAL_S: '0' }
const STOPPED = /^The broker does not say whether this may be deployed, and is not asked again: .+\n$/

/** Somebody who relies on us is deployed, and nobody has verified that. */
async function rig(t: TestContext) {
  const broker = await startBrokerDouble(t)
  const folder = madeUpContract(t, 'a-consumer', [askedWhetherItLives('asks')])
  assert.ok(await released(broker, folder, 'c-1', ['a-consumer']))
  broker.memory.onBranch({ name: SERVICE, branch: BRANCH, version: VERSION })
  const asked = () => broker.asked.filter(({ path }) => path === '/matrix')
  const canIDeploy = (env: Env) => script('can-i-deploy', { ...settingsFor(broker), ...env })
  return { broker, asked, canIDeploy }
}

test('it asks again while a result is not there yet, so often as is set, says so once, and then it is no', async (t) => {
  const { asked, canIDeploy } = await rig(t)
  const { code, out } = await canIDeploy(SOON)
  assert.deepEqual([code, asked().length], [1, 4])
  assert.match(out, /1 are not known\.\nAsks every 0 s, 3 times more\.\n/)
  assert.equal(out.split('Asks every').length, 2)
})

test('a result that comes meanwhile is waited for', async (t) => {
  const { broker, asked, canIDeploy } = await rig(t)
  const answered = canIDeploy(WHILE_WAITED)
  await until('it has asked', async () => asked().length > 0)
  broker.memory.verified(0, { providerApplicationVersion: VERSION, success: true })
  assert.equal((await answered).code, 0)
  assert.ok(asked().length >= 2)
})

test('what is known to be broken is not waited for', async (t) => {
  const { broker, asked, canIDeploy } = await rig(t)
  broker.memory.verified(0, { providerApplicationVersion: VERSION, success: false })
  const { code, out } = await canIDeploy(WHILE_WAITED)
  assert.equal(code, 1)
  assert.doesNotMatch(out, /Asks every/)
  assert.equal(asked().length, 2, 'whether it is known, and the answer')
})

test('a broker that refuses the token, or is none, is asked once, and one that is down as often as any call is tried', async (t) => {
  const { broker, asked, canIDeploy } = await rig(t)
  const stopped = async (env: Env, why: RegExp) => {
    const before = asked().length
    const { code, out, err } = await canIDeploy({ ...WHILE_WAITED, ...env })
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, STOPPED)
    assert.match(err, why)
    return asked().length - before
  }
  assert.equal(await stopped({ PACT_BROKER_TOKEN: 'another' }, /401 Unauthorized/), 1)
  const nobody = `http://127.0.0.1:${await freePort()}`
  await stopped({ PACT_BROKER_BASE_URL: nobody, PACT_BROKER_HTTP_RETRIES: '1' }, /Failed to access pact broker/)
  broker.fault = 503
  assert.equal(await stopped({ PACT_BROKER_HTTP_RETRIES: '2' }, /503 Service Unavailable/), 2)
  broker.fault = 200
  assert.equal(await stopped({}, /does not answer as a Pact broker does/), 1)
})

test('a broker that goes down while it is waited for is not waited for any more', async (t) => {
  const { broker, asked, canIDeploy } = await rig(t)
  const answered = canIDeploy({ ...WHILE_WAITED, PACT_BROKER_HTTP_RETRIES: '1' })
  await until('it has asked', async () => asked().length > 0)
  broker.fault = 503
  const before = asked().length
  const { code, err } = await answered
  assert.equal(code, 1)
  assert.match(err, STOPPED)
  assert.ok(asked().length <= before + 1)
})

test('what was never published may not be deployed, though nobody relies on it, and is not waited for', async (t) => {
  const broker = await startBrokerDouble(t)
  const ask = () => script('can-i-deploy', { ...settingsFor(broker), ...WHILE_WAITED })
  const { code, err } = await ask()
  assert.equal(code, 1)
  assert.match(err, STOPPED)
  assert.match(err, /Pacticipant users-service not found/)
  assert.equal((await published(broker, madeUpContract(t, 'a-consumer', []), 'c-1', 'main')).code, 0)
  const { code: refused, out } = await ask()
  assert.equal(refused, 1)
  assert.match(out, /^No pacts or verifications have been published for version 0a1b2c3 of users-service$/m)
  assert.match(out, /Computer says no/)
  assert.doesNotMatch(out, /Asks every/)
})

test('who has no Pact is left out: Debezium, or whoever is named', async (t) => {
  const { asked, canIDeploy } = await rig(t)
  const ignored = () => asked().at(-1)?.query.getAll('ignore[][pacticipant]')
  await canIDeploy({})
  assert.deepEqual(ignored(), ['debezium'])
  await canIDeploy({ PACT_BROKER_CAN_I_DEPLOY_IGNORE: '' })
  assert.deepEqual(ignored(), [])
  assert.equal((await canIDeploy({ PACT_BROKER_CAN_I_DEPLOY_IGNORE: 'debezium, a-consumer' })).code, 0)
  assert.deepEqual(ignored(), ['debezium', 'a-consumer'])
})
