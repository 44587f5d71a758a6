import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { until } from '../../support/service.ts'
import { askedWhetherItLives, madeUpContract } from '../made-up.ts'
import { startBrokerDouble } from './double.ts'
import { type Env, released, script, settingsFor, VERSION } from './running.ts'

const SOON = { PACT_RETRIES_WHILE_UNKNOWN: '3', PACT_RETRY_INTERVAL_S: '0' }
const WHILE_WAITED = { PACT_RETRIES_WHILE_UNKNOWN: '60', PACT_RETRY_INTERVAL_S: '1' }

/** Somebody who relies on us is deployed, and nobody has verified that. */
async function rig(t: TestContext) {
  const broker = await startBrokerDouble(t)
  const folder = madeUpContract(t, 'a-consumer', [askedWhetherItLives('asks')])
  assert.ok(await released(broker, folder, 'c-1', ['a-consumer']))
  const asked = () => broker.asked.filter(({ path }) => path === '/matrix')
  const canIDeploy = (env: Env) => script('can-i-deploy', { ...settingsFor(broker), ...env })
  return { broker, asked, canIDeploy }
}

test('it asks again while a result is not there yet, so often as is set, and then it is no', async (t) => {
  const { asked, canIDeploy } = await rig(t)
  const { code, out } = await canIDeploy(SOON)
  assert.deepEqual([code, asked().length], [1, 4])
  assert.match(out, /1 are not known/)
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
  assert.equal((await canIDeploy(WHILE_WAITED)).code, 1)
  assert.equal(asked().length, 1)
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
