import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlSwitches } from '../../src/adapters/sql/switches.ts'
import { MAX_SETTING_BYTES, type SwitchChange, type SwitchStore } from '../../src/ports/switches.ts'
import { failingAt, meddledWith } from './change-claims.ts'
import { AT, BY, changingNothing, holding, numberOf, type OpenRig, type Rig, roundTrip, run } from './rig.ts'

const NEIGHBOUR = 'people-service'
const NAME = `breaker:${NEIGHBOUR}`
const OPERATORS = 10
const OTHERS = `INSERT INTO service_switches (switch_name, setting, changed_at)
  VALUES ('${NAME}', 'theirs', '2020-01-01 00:00:00.000')`

/** Its event says what it found, and what it made of that. */
const becoming = (from: string | null, setting: string | null): SwitchChange => ({
  setting,
  entity: { name: 'breaker', id: NEIGHBOUR },
  event: { type: 'breaker-forced', neighbour: NEIGHBOUR, forced: 'open', reason: moved(from, setting), at: AT },
})
const moved = (from: string | null, to: string | null) => `${from} → ${to}`
const set = (store: SwitchStore, setting: string | null, name = NAME) =>
  store.update(name, BY, (from) => becoming(from, setting))

/** What the audit says was done to switches, in its order. */
async function audited({ database }: Pick<Rig, 'database'>): Promise<string[]> {
  const rows = await database.query<{ event: string }>(
    `SELECT event FROM user_audit WHERE entity = 'breaker' ORDER BY audit_id`,
  )
  return rows.map(({ event }) => JSON.parse(event).reason)
}

export function switchesContract(open: OpenRig): void {
  describe('switches', () => {
    setting(open)
    auditing(open)
    racing(open)
  })
}

function setting(open: OpenRig): void {
  test('what is set is there for every replica, by name, until it is set anew or no more', async (t) => {
    const rig = await open(t)
    const [store, other] = [sqlSwitches(rig.database), sqlSwitches(rig.other)]
    assert.deepEqual(await store.all(), new Map())
    assert.deepEqual(await set(store, 'a'), { setting: 'a', visible: true })
    await set(other, 'b', 'breaker:other')
    assert.deepEqual(
      await other.all(),
      new Map([
        ['breaker:other', 'b'],
        [NAME, 'a'],
      ]),
    )
    await set(other, 'c')
    assert.deepEqual(
      await store.all(),
      new Map([
        ['breaker:other', 'b'],
        [NAME, 'c'],
      ]),
    )
    assert.deepEqual(await set(store, null), { setting: null, visible: true })
    assert.deepEqual(await other.all(), new Map([['breaker:other', 'b']]))
    await set(store, 'd')
    assert.equal((await other.all()).get(NAME), 'd')
  })

  test('the longest setting comes back as it was', async (t) => {
    const store = sqlSwitches((await open(t)).database)
    // Three bytes each: databases count bytes.
    const longest = '€'.repeat(MAX_SETTING_BYTES / 3)
    await set(store, longest)
    assert.equal((await store.all()).get(NAME), longest)
  })

  test('what is so already writes nothing, nor does a decision for nothing', async (t) => {
    const { database } = await open(t)
    const store = sqlSwitches(database)
    assert.deepEqual(await changingNothing(database, () => set(store, null)), { setting: null, visible: true })
    await set(store, 'a')
    const answers = await changingNothing(database, async () => [
      await set(store, 'a'),
      await store.update(NAME, BY, () => null),
    ])
    assert.deepEqual(answers, new Array(2).fill({ setting: 'a', visible: true }))
  })

  test('when it was set last is the database’s time', async (t) => {
    const { database } = await open(t)
    const store = sqlSwitches(database)
    const changedAt = async () => (await database.query('SELECT changed_at FROM service_switches'))[0]?.changed_at
    await set(store, 'a')
    assert.match(String(await changedAt()), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
    await run(database, `UPDATE service_switches SET changed_at = '2020-01-01 00:00:00.000'`)
    await set(store, 'b')
    assert.notEqual(await changedAt(), '2020-01-01 00:00:00.000')
  })
}

function auditing(open: OpenRig): void {
  test('each change has its audit entry, and is published to nobody', async (t) => {
    const { database } = await open(t)
    const store = sqlSwitches(database)
    await set(store, 'a')
    await set(store, null)
    const rows = await database.query(
      'SELECT entity, entity_id, event_type, event, actor, request_id, address FROM user_audit ORDER BY audit_id',
    )
    const common = { entity: 'breaker', entity_id: NEIGHBOUR, event_type: 'breaker-forced' }
    const by = { actor: BY.name, request_id: BY.requestId, address: BY.address }
    assert.deepEqual(
      rows.map((row) => ({ ...row, event: JSON.parse(String(row.event)) })),
      [becoming(null, 'a'), becoming('a', null)].map(({ event }) => ({ ...common, ...by, event })),
    )
    assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM pending_events'), 0)
  })

  test('without its audit entry nothing is set, and nothing is unset', async (t) => {
    const { database } = await open(t)
    const broken = sqlSwitches(failingAt(database, 'INSERT INTO user_audit'))
    await changingNothing(database, () => assert.rejects(set(broken, 'a'), /planted/))
    await set(sqlSwitches(database), 'a')
    for (const setting of ['b', null])
      await changingNothing(database, () => assert.rejects(set(broken, setting), /planted/))
  })

  test('what decide throws is rejected with, and nothing is written', async (t) => {
    const { database } = await open(t)
    const failure = new RangeError('no')
    const update = () =>
      sqlSwitches(database).update(NAME, BY, () => {
        throw failure
      })
    await changingNothing(database, () => assert.rejects(update, failure))
  })
}

function racing(open: OpenRig): void {
  test('of operators at two replicas at once each is audited, in the order in which the switch moved', async (t) => {
    const rig = await open(t)
    const stores = [sqlSwitches(rig.database), sqlSwitches(rig.other)]
    const wanted = Array.from({ length: OPERATORS }, (_, i) => (i % 5 === 4 ? null : `${i}`))
    await Promise.all(wanted.map((setting, i) => set(stores[i % 2] ?? assert.fail(), setting)))
    const last = (await stores[0]?.all())?.get(NAME) ?? null
    const moves = await audited(rig)
    const states = moves.map((move) => move.split(' → '))
    assert.deepEqual(
      states.map(([from]) => from),
      ['null', ...states.map(([, to]) => to)].slice(0, -1),
      'each found what the one before had left',
    )
    assert.equal(states.at(-1)?.[1], String(last))
    const settings = wanted.filter((setting) => setting !== null)
    assert.deepEqual(
      states.flatMap(([, to]) => (to === 'null' ? [] : [to])).sort(),
      settings.sort(),
      'no setting was lost',
    )
  })

  test('a setting waits for another that is not yet committed, and sees it', async (t) => {
    const rig = await open(t)
    const store = sqlSwitches(rig.database)
    for (const [statement, before] of [
      [OTHERS, 'theirs'],
      [`UPDATE service_switches SET setting = 'changed'`, 'changed'],
      ['DELETE FROM service_switches', null],
    ] as const) {
      const release = await holding(rig, statement)
      const seen: (string | null)[] = []
      const setting = store.update(NAME, BY, (from) => {
        seen.push(from)
        return becoming(from, 'ours')
      })
      await roundTrip(rig.database)
      await release()
      assert.deepEqual(await setting, { setting: 'ours', visible: true }, statement)
      assert.equal(seen.at(-1), before)
    }
  })

  test('who finds that another has just set it first looks again, and changes that', async (t) => {
    const rig = await open(t)
    let others = 0
    const overtaken = meddledWith(rig.database, 'INSERT INTO service_switches', async (session) => {
      others += 1
      if (others === 1) await run(session, OTHERS)
    })
    assert.deepEqual(await set(sqlSwitches(overtaken), 'ours'), { setting: 'ours', visible: true })
    assert.deepEqual(await sqlSwitches(rig.other).all(), new Map([[NAME, 'ours']]))
    assert.deepEqual(await audited(rig), [moved('theirs', 'ours')])
  })
}
