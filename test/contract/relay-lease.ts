import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteChanges, sqlChanges } from '../../src/adapters/sql/changes.ts'
import { type HeldLease, LeaseLostError, relayLease } from '../../src/adapters/sql/relay-lease.ts'
import { soleChanges } from '../../src/adapters/sql/sole-changes.ts'
import type { Session } from '../../src/ports.ts'
import { BATCH, claims, holdAll, idsOf, insertChange, LEASE_MS, openFilled, waiting } from './feed-rig.ts'
import { numberOf, type OpenRig, type Rig } from './rig.ts'

const leases = ({ database, other }: Rig, leaseMs = LEASE_MS) => [
  relayLease(database, { lease: 'changes', leaseMs }),
  relayLease(other, { lease: 'changes', leaseMs }),
]
/** As if the lease had run out. */
const endLease = ({ database }: Rig) => database.execute(`UPDATE relay_leases SET free_at = '2020-01-01 00:00:00.000'`)

async function acquired(lease: ReturnType<typeof relayLease> | undefined): Promise<HeldLease> {
  const held = await lease?.acquire()
  assert.ok(held)
  return held
}

export function relayLeaseContract(open: OpenRig): void {
  describe('relay lease', () => {
    test('one holds it; another gets it only when it has run out, or was given back, under a higher token', async (t) => {
      const rig = await open(t)
      const [one, two] = leases(rig)
      assert.deepEqual(await one?.look(), { token: 0, isHeld: false })
      const first = await acquired(one)
      assert.deepEqual([first.stream, first.published], ['-', 0])
      assert.deepEqual(
        [await two?.acquire(), await one?.acquire(), await two?.look()],
        [null, null, { token: first.token, isHeld: true }],
      )
      await endLease(rig)
      assert.deepEqual(await two?.look(), { token: first.token, isHeld: false })
      const second = await acquired(two)
      assert.ok(second.token > first.token)
      await two?.release(second)
      assert.ok((await acquired(one)).token > second.token)
    })

    test('who publishes changes and who publishes events do not ask each other', async (t) => {
      const rig = await open(t)
      const events = relayLease(rig.other, { lease: 'events', leaseMs: LEASE_MS })
      const [changes] = leases(rig)
      await acquired(events)
      assert.equal((await changes?.look())?.isHeld, false)
      await acquired(changes)
    })

    test('of many who ask at once one gets it', async (t) => {
      const rig = await open(t)
      const [one, two] = leases(rig)
      const held = await Promise.all([1, 2, 3].flatMap(() => [one?.acquire(), two?.acquire()]))
      assert.equal(held.filter((each) => each !== null).length, 1)
    })

    test('what its holder knew of the topic is there for the next', async (t) => {
      const rig = await open(t)
      const [one, two] = leases(rig)
      const held = await acquired(one)
      assert.equal(await one?.renew({ ...held, stream: 's', published: 12 }), true)
      await endLease(rig)
      const { stream, published } = await acquired(two)
      assert.deepEqual([stream, published], ['s', 12])
    })

    test('renewed, it holds on; who has lost it can neither renew it, nor give it back, nor pass the fence', async (t) => {
      const rig = await open(t)
      const [one, two] = leases(rig)
      const first = await acquired(one)
      await endLease(rig)
      assert.equal(await one?.renew(first), true)
      assert.equal(await two?.acquire(), null)
      await rig.database.transaction((session) => one?.fence(session, first) ?? Promise.reject())
      await endLease(rig)
      const second = await acquired(two)
      assert.equal(await one?.renew(first), false)
      await one?.release(first)
      assert.equal((await two?.look())?.isHeld, true)
      await assert.rejects(
        rig.database.transaction((session) => one?.fence(session, first) ?? Promise.resolve()),
        LeaseLostError,
      )
      assert.equal(await two?.renew(second), true)
    })
  })
  describe('the outbox of the only one', () => soleOutbox(open))
}

const free = { fence: async () => undefined, check: () => undefined }

function soleOutbox(open: OpenRig): void {
  test('hands on the oldest, at most 500, and forgets exactly what it is told', async (t) => {
    const rig = await openFilled(t, open, 503)
    const changes = soleChanges(rig.database, free)
    const claim = await changes.claim()
    assert.ok(typeof claim !== 'string')
    assert.deepEqual([claim.changes.length, claim.more, claim.changes[0]?.changeId], [BATCH, true, 1])
    await changes.forget(claim.claim, idsOf(claim.changes).slice(0, 499))
    assert.equal(await waiting(rig), 4)
    const rest = await changes.claim()
    assert.ok(typeof rest !== 'string')
    assert.deepEqual([idsOf(rest.changes), rest.more], [[500, 501, 502, 503], false])
    await changes.forget(rest.claim, idsOf(rest.changes))
    assert.equal(await changes.claim(), 'none')
  })

  test('the claims of workers that shared it before mean nothing, and go with their changes', async (t) => {
    const rig = await openFilled(t, open, 3)
    await holdAll(rig)
    const changes = soleChanges(rig.database, free)
    const claim = await changes.claim()
    assert.ok(typeof claim !== 'string')
    await changes.forget(claim.claim, idsOf(claim.changes))
    assert.deepEqual([await waiting(rig), await claims(rig)], [0, 0])
  })

  test('a fence that fails leaves all of it there', async (t) => {
    const rig = await openFilled(t, open, 3)
    const fence = async (session: Session) => {
      await numberOf(session, 'SELECT COUNT(*) AS n FROM entity_changes')
      throw new LeaseLostError()
    }
    const changes = soleChanges(rig.database, { ...free, fence })
    await assert.rejects(changes.forget('', [1, 2, 3]), LeaseLostError)
    assert.equal(await waiting(rig), 3)
  })

  test('only what is overdue is taken from the outbox, where somebody else brings changes sooner', async (t) => {
    const rig = await open(t)
    const { claim } = sqlChanges(rig.database, { leaseMs: LEASE_MS, overdueMs: 600_000 })
    await insertChange(rig, 1)
    await insertChange(rig, 2, '9999-01-01 00:00:00.000')
    const taken = await claim()
    assert.ok(typeof taken !== 'string')
    assert.deepEqual(idsOf(taken.changes), [1])
    assert.equal(await claim(), 'none')
    await rig.database.transaction((session) => deleteChanges(session, [1, 2]))
    assert.deepEqual([await waiting(rig), await claims(rig)], [0, 0])
  })
}
