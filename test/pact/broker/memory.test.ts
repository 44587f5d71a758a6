// That the double concludes as a broker does (https://docs.pact.io/pending, https://docs.pact.io/wip): the rehearsal stands on it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memory } from './memory.ts'

const contentOf = (said: string, by = '1.0.0') =>
  Buffer.from(JSON.stringify({ interactions: [{ description: said }], metadata: { library: by } })).toString('base64')

/** A provider `p` and its consumer `c`; of what is verified, who it is of and whether it is pending. */
function rig() {
  const known = memory()
  return {
    known,
    publish: (version: string, branch: string, content: string, [consumer, provider] = ['c', 'p']) =>
      known.publish({
        ...{ pacticipantName: consumer, pacticipantVersionNumber: version, branch },
        contracts: [{ providerName: provider, content }],
      }),
    verified(contract: number, version: string, branch: string, success = true) {
      known.onBranch({ name: 'p', branch, version })
      known.verified(contract, { providerApplicationVersion: version, success })
    },
    for: (branch: string) =>
      known
        .forVerification('p', {
          consumerVersionSelectors: [{ mainBranch: true }, { deployedOrReleased: true }, { matchingBranch: true }],
          ...{ includePendingStatus: true, includeWipPactsSince: '2026-01-01', providerVersionBranch: branch },
        })
        .map(({ version, pending }) => `${version}${pending ? ' pending' : ''}`),
    told: (version: string) => known.onBranch({ name: 'p', branch: 'main', version }),
    canDeploy: (name: string, version: string, ignored: string[] = []) =>
      known.matrix({ name, version, ignored }).summary.deployable,
  }
}

test('what a contract says is pending until this branch of the provider’s has kept it', () => {
  const { publish, verified, for: forBranch } = rig()
  publish('c1', 'main', contentOf('one'))
  verified(0, 'p0', 'main', false)
  assert.deepEqual(forBranch('main'), ['c1 pending'])
  verified(0, 'p1', 'main')
  assert.deepEqual(forBranch('main'), ['c1'])
  publish('c2', 'main', contentOf('two'))
  assert.deepEqual(forBranch('main'), ['c2 pending'])
})

test('who says the same again, by another library, says nothing new', () => {
  const { publish, verified, for: forBranch } = rig()
  publish('c1', 'main', contentOf('one'))
  verified(0, 'p1', 'main')
  publish('c2', 'main', contentOf('one', '2.0.0'))
  assert.deepEqual(forBranch('main'), ['c2'])
})

test('a branch begins with what others had kept before it, and with no more', () => {
  const { publish, verified, for: forBranch } = rig()
  publish('c1', 'main', contentOf('one'))
  verified(0, 'p1', 'main')
  assert.deepEqual(forBranch('feature'), ['c1'])
  verified(0, 'p2', 'feature', false)
  publish('c2', 'main', contentOf('two'))
  verified(1, 'p3', 'main')
  assert.deepEqual([forBranch('main'), forBranch('feature')], [['c2'], ['c2 pending']])
})

test('what is deployed is verified beside what is in main, and the same only once', () => {
  const { known, publish, for: forBranch } = rig()
  publish('c1', 'main', contentOf('one'))
  known.deployed({ name: 'c', version: 'c1' })
  publish('c2', 'main', contentOf('two'))
  assert.deepEqual(forBranch('main'), ['c1 pending', 'c2 pending'])
  publish('c3', 'main', contentOf('one'))
  assert.deepEqual(forBranch('main'), ['c3 pending'])
})

test('another branch’s is work in progress until it has been kept, and then nobody’s', () => {
  const { publish, verified, for: forBranch } = rig()
  publish('c1', 'shoes', contentOf('one'))
  assert.deepEqual(forBranch('main'), ['c1 pending'])
  verified(0, 'p1', 'main')
  assert.deepEqual([forBranch('main'), forBranch('shoes')], [[], ['c1']])
})

test('a provider may be deployed when it keeps what is deployed, whatever is in main', () => {
  const { known, publish, verified, told, canDeploy } = rig()
  publish('c1', 'main', contentOf('one'))
  told('p1')
  told('p2')
  assert.equal(canDeploy('p', 'p1'), true)
  known.deployed({ name: 'c', version: 'c1' })
  assert.equal(canDeploy('p', 'p1'), null)
  verified(0, 'p1', 'main', false)
  assert.equal(canDeploy('p', 'p1'), false)
  verified(0, 'p1', 'main')
  assert.deepEqual([canDeploy('p', 'p1'), canDeploy('p', 'p2'), canDeploy('p', 'p2', ['c'])], [true, null, true])
  publish('c2', 'main', contentOf('two'))
  known.deployed({ name: 'c', version: 'c2' })
  assert.equal(canDeploy('p', 'p1'), null)
})

test('a consumer may be deployed when the deployed version of its provider keeps its contract', () => {
  const { known, publish, verified, canDeploy } = rig()
  publish('c1', 'main', contentOf('one'))
  verified(0, 'p1', 'main')
  assert.equal(canDeploy('c', 'c1'), null, 'no version of the provider is deployed')
  known.deployed({ name: 'p', version: 'p0' })
  assert.deepEqual([canDeploy('c', 'c1'), canDeploy('c', 'c1', ['p'])], [null, true])
  known.deployed({ name: 'p', version: 'p1' })
  assert.equal(canDeploy('c', 'c1'), true)
})

test('what was neither published nor verified, nor told of, may not be deployed, though nobody relies on it', () => {
  const { known, publish, verified, told, canDeploy } = rig()
  const { summary, notices } = known.matrix({ name: 'p', version: 'p1', ignored: [] })
  assert.deepEqual(
    [summary.deployable, summary.unknown, notices],
    [false, 0, [{ type: 'error', text: 'No pacts or verifications have been published for version p1 of p' }]],
  )
  publish('c1', 'main', contentOf('one'))
  assert.deepEqual([canDeploy('p', 'p1'), canDeploy('p', 'p1', ['c']), canDeploy('c', 'c2')], [false, false, false])
  known.verified(0, { providerApplicationVersion: 'p1', success: true })
  assert.deepEqual([canDeploy('p', 'p1'), canDeploy('p', 'p2')], [true, false])
  told('p2')
  assert.equal(canDeploy('p', 'p2'), true)
  verified(0, 'p3', 'main')
  assert.equal(canDeploy('p', 'p3'), true)
})
