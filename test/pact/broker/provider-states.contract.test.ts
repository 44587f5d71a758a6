// A contract may name a provider state that this service's tests do not have (any more): what becomes of it at a broker.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedWhetherItLives, madeUpContract, toldWhoLeft } from '../made-up.ts'
import { startBrokerDouble } from './double.ts'
import { published, released, script, settingsFor, VERSION } from './running.ts'

const DREAMER = 'a-dreamer'
const FULL_MOON = { name: 'it is full moon' }
const HELD = { providerApplicationVersion: 'earlier', success: true }

const DREAMS = {
  'an answer': askedWhetherItLives('asks at full moon', FULL_MOON),
  'a message': toldWhoLeft('hears of who left at full moon', FULL_MOON),
}

for (const [what, interaction] of Object.entries(DREAMS)) {
  test(`${what}, in a state that there never was: it is told, fails nobody’s build, and is not verified`, async (t) => {
    const broker = await startBrokerDouble(t)
    const env = settingsFor(broker)
    assert.ok(await released(broker, madeUpContract(t, DREAMER, [interaction]), 'd-1', [DREAMER]))
    const { code, err } = await script('verify', env, '--publish')
    assert.equal(code, 0, err)
    assert.match(err, /^pending: provider state “it is full moon”: there is no such state$/m)
    assert.deepEqual(
      broker.memory.results.map(({ success, providerApplicationVersion }) => [success, providerApplicationVersion]),
      [[false, VERSION]],
    )
    const { code: refused, out } = await script('can-i-deploy', env)
    assert.equal(refused, 1)
    assert.match(out, /1 failed/)
  })
}

test('a state that there never was in another team’s work in progress fails nobody’s build', async (t) => {
  const broker = await startBrokerDouble(t)
  const folder = madeUpContract(t, DREAMER, [DREAMS['an answer']])
  assert.equal((await published(broker, folder, 'd-1', 'feature/dreams')).code, 0)
  const { code, err } = await script('verify', settingsFor(broker), '--publish')
  assert.equal(code, 0, err)
  assert.match(err, /^pending: provider state “it is full moon”/m)
  assert.deepEqual(
    broker.memory.results.map(({ success }) => success),
    [false],
  )
})

test('a state that there is no more, of a contract that was kept, fails the build', async (t) => {
  const broker = await startBrokerDouble(t)
  const folder = madeUpContract(t, DREAMER, [DREAMS['an answer']])
  assert.ok(await released(broker, folder, 'd-1', [DREAMER]))
  broker.memory.verified(0, HELD)
  const { code, err } = await script('verify', settingsFor(broker), '--publish')
  assert.equal(code, 1, err)
  assert.match(err, /^provider state “it is full moon”: there is no such state$/m)
  assert.match(err, /a-dreamer.*asks at full moon/)
  assert.deepEqual(
    broker.memory.results.map(({ success }) => success),
    [true, false],
  )
})
