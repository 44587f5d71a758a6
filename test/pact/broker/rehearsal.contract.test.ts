// A release, as a pipeline does it, with the real command line, the real verifier and the real service; only the broker is
// a double.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Fault } from '../../support/plant.ts'
import { CONTRACTS, SERVICE } from '../kept.ts'
import { madeUpContract } from '../made-up.ts'
import { startBrokerDouble } from './double.ts'
import {
  BRANCH,
  deployed,
  type Ended,
  published,
  released,
  script,
  settingsFor,
  VERSION,
  verifyWith,
} from './running.ts'

const CONSUMERS = ['admin-console', 'hr-feed', 'point-of-sale-terminal']
const NEIGHBOURS = ['branches-service', 'legacy', 'people-service']
const BROKEN_VERSION = '4d5e6f7'
/** This service does not do any more what it did. */
const FAULT: Fault = {
  file: 'src/wire/user.ts',
  from: 'return { userId: id, ...shown, version }',
  to: 'const { givenName: firstName, ...rest } = shown\n  return { userId: id, firstName, ...rest, version } as never',
}

/** A terminal's contract that this service does not keep: it asks for what nobody shows. */
function impossible(t: TestContext): string {
  const kept = join(CONTRACTS, 'consumers', `point-of-sale-terminal-${SERVICE}.json`)
  const wanted = JSON.parse(readFileSync(kept, 'utf8')).interactions.find((one: { description: string }) =>
    one.description.endsWith('user by number'),
  )
  wanted.response.body.content.shoeSize = 42
  return madeUpContract(t, 'point-of-sale-terminal', [wanted])
}

test('a release, from contracts to a deployment', async (t) => {
  const broker = await startBrokerDouble(t)
  const { memory } = broker
  const env = settingsFor(broker)
  const asking = async (run: () => Promise<Ended>) => {
    const before = broker.asked.length
    const ended = await run()
    const asked = broker.asked.slice(before)
    assert.ok(asked.every(({ authorization }) => authorization === `Bearer ${broker.token}`))
    return { ...ended, asked, said: ended.out + ended.err }
  }
  const askedBy = (name: string, ...args: string[]) => asking(() => script(name, env, ...args))
  const resultsFrom = (index: number) =>
    memory.results.slice(index).map(({ contract, success, providerApplicationVersion }) => {
      const { consumer, branch } = memory.contract(contract)
      return `${consumer} of ${branch}: ${success} for ${providerApplicationVersion}`
    })

  await t.test('what we consume is published, of this version and branch', async () => {
    const { code, asked, err, said } = await askedBy('publish')
    assert.equal(code, 0, err)
    assert.doesNotMatch(said, /warning/i)
    assert.deepEqual(
      memory.contracts.map(({ consumer, version, branch, provider }) => [consumer, version, branch, provider]).sort(),
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
    assert.ok(await released(broker, join(CONTRACTS, 'consumers'), 'c-1', CONSUMERS))
    const { code, said, asked } = await askedBy('can-i-deploy')
    assert.equal(code, 1)
    // By us of three consumers, and of us by three neighbours.
    assert.match(said, /6 are not known/)
    const [{ path, query } = assert.fail()] = asked
    assert.equal(path, '/matrix')
    assert.deepEqual(Object.fromEntries(query), {
      ...{ 'q[][pacticipant]': SERVICE, 'q[][version]': VERSION, 'ignore[][pacticipant]': 'debezium' },
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
    assert.partialDeepStrictEqual(memory.branches.at(0), { name: SERVICE, branch: BRANCH, version: VERSION })
    const kept = CONSUMERS.map((consumer) => `${consumer} of main: true for ${VERSION}`)
    // What a consumer tries on a branch of its own fails nobody's build, and is told.
    const tried = `point-of-sale-terminal of feature/shoes: false for ${VERSION}`
    assert.deepEqual(resultsFrom(0).sort(), [...kept, tried].sort())
    const posted = asked.find(({ path }) => path.endsWith('/verification-results'))?.body
    assert.ok(posted.testResults.length > 5 && posted.verifiedBy.implementation, 'each interaction is told of')
  })

  await t.test('before our neighbours, as they are deployed, have verified what we need of them, neither', async () => {
    for (const name of NEIGHBOURS) {
      assert.equal((await deployed(broker, name, 'n-1')).code, 1, 'nobody has told of that version')
      memory.onBranch({ name, branch: 'main', version: 'n-1' })
      assert.equal((await deployed(broker, name, 'n-1')).code, 0)
    }
    const { code, said } = await askedBy('can-i-deploy')
    assert.equal(code, 1)
    assert.match(said, /3 are not known/)
    for (const { number, provider } of memory.contracts.filter(({ consumer }) => consumer === SERVICE))
      if (NEIGHBOURS.includes(provider)) memory.verified(number, { providerApplicationVersion: 'n-1', success: true })
  })

  await t.test('then it may be deployed, and that it is is recorded', async () => {
    const { code, said } = await askedBy('can-i-deploy')
    assert.equal(code, 0, said)
    assert.equal((await askedBy('record-deployment')).code, 0)
    assert.deepEqual(memory.deployments.at(-1), { name: SERVICE, version: VERSION })
  })

  await t.test('a consumer’s new contract that we do not keep yet fails its release, and not ours', async () => {
    await published(broker, impossible(t), 'c-3', 'main')
    const before = memory.results.length
    const { code, said } = await askedBy('verify')
    assert.equal(code, 0, said)
    assert.match(said, /a question for a user by number/)
    assert.equal(memory.results.length, before, 'without --publish nothing is told')
    assert.equal((await askedBy('can-i-deploy')).code, 0)
  })

  await t.test('a build of ours that breaks what was kept fails, is told, and may not be deployed', async () => {
    const before = memory.results.length
    const broken = { ...env, PACT_VERSION: BROKEN_VERSION }
    const { code, err } = await asking(() => verifyWith(FAULT, broken, '--publish'))
    assert.equal(code, 1)
    assert.match(err, /a question for a user by number.*givenName/)
    const results = resultsFrom(before)
    assert.ok(results.includes(`point-of-sale-terminal of main: false for ${BROKEN_VERSION}`), String(results))
    assert.ok(results.includes(`hr-feed of main: true for ${BROKEN_VERSION}`), String(results))
    assert.equal((await script('publish', broken)).code, 0)
    const { code: refused, said } = await asking(() => script('can-i-deploy', broken))
    assert.equal(refused, 1)
    assert.match(said, /point-of-sale-terminal.*4d5e6f7.*false/)
  })
})
