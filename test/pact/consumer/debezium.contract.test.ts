// Where a site has Debezium's connector read the outbox in place of our relay, its message is one that we consume.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { MatchersV3 } from '@pact-foundation/pact'
import { logFeed } from '../../../src/adapters/log-feed/log-feed.ts'
import type { ConsumerListener } from '../../../src/ports/message-log.ts'
import type { Change } from '../../../src/ports.ts'
import { quiet, until } from '../../strangler/proxy/rig.ts'
import { keptPact, SERVICE } from '../kept.ts'

const { integer, nullValue, regex, string } = MatchersV3
const LEASE_MS = 10_000
const STRUCT = { type: 'struct' }
const WRITTEN = '2026-11-28 10:00:00.000'

const { pact, test } = keptPact({ consumer: SERVICE, provider: 'debezium', folder: 'pacts' })

/** What the real consumer of changes does with a message: what it handed on, which rows it deleted, what it did not know. */
async function consumed(t: TestContext, value: string) {
  let listener: ConsumerListener | undefined
  const handled: Change[] = []
  const deleted: number[] = []
  const parked: unknown[] = []
  const committed: number[] = []
  const feed = logFeed({
    consumer: {
      async start(heard) {
        listener = heard
      },
      commit: async (offsets) => void committed.push(...offsets.map(({ offset }) => offset)),
      restart: () => undefined,
      stop: async () => undefined,
    },
    reader: {
      bounds: async () => [{ partition: 0, first: 0, end: 1 }],
      committed: async () => [],
      close: async () => undefined,
    },
    writer: {
      async append(_topic, messages) {
        parked.push(...messages)
        return []
      },
    },
    ...{ topics: { changes: 'users.changes', parked: 'users.changes.parked' }, group: 'g', epoch: 'e', vouches: true },
    deleteRows: async (changeIds) => void deleted.push(...changeIds),
    ...{ parkAnew: async () => undefined, truth: { now: async () => WRITTEN }, leaseMs: LEASE_MS, log: quiet },
  })
  const { stop } = feed.subscribe({
    handle: async (changes) => void handled.push(...changes),
    ...{ isOutage: () => true, othersGoThrough: async () => false, giveUp: async () => undefined },
    ...{ onMark: async () => undefined, onLost: async () => undefined },
  })
  t.after(stop)
  assert.ok(listener)
  await listener.onAssigned([0])
  const record = { offset: 0, key: null, value: Buffer.from(value), headers: {} }
  await listener.onRecords(0, [record], async () => undefined)
  await until('it is done with', () => committed.includes(1))
  return { handled: handled.map(({ entity, entityId, changeId }) => ({ entity, entityId, changeId })), deleted, parked }
}

const row = (entity: string, entityId: unknown) => ({
  change_id: integer(123),
  entity: regex(`^${entity} *$`, entity),
  entity_id: entityId,
  changed_at: string(WRITTEN),
})
const envelope = (op: string, after: unknown) => ({
  ...{ before: nullValue(), after, op, source: { table: 'entity_changes' } },
})
const ROW = row('user', regex('^[1-9][0-9]{0,15} *$', '42'))
const OF_USER = { handled: [{ entity: 'user', entityId: '42', changeId: 123 }], deleted: [123], parked: [] }

const MESSAGES = {
  'a change of a user, inserted': [envelope('c', ROW), OF_USER],
  'a change of a user, with its schema': [{ schema: STRUCT, payload: envelope('c', ROW) }, OF_USER],
  'a change of the roles, found by a snapshot': [
    envelope('r', row('role', regex('^[*] *$', '*'))),
    { handled: [{ entity: 'role', entityId: '*', changeId: 123 }], deleted: [123], parked: [] },
  ],
  'a row that was deleted': [
    { op: 'd', before: { change_id: integer(123) }, after: nullValue(), source: { table: 'entity_changes' } },
    { handled: [], deleted: [], parked: [] },
  ],
} as const

for (const [what, [content, expected]] of Object.entries(MESSAGES)) {
  test(`${what} is read as what it is`, async (t) => {
    await pact
      .addAsynchronousInteraction()
      .given('the connector reads entity_changes')
      .expectsToReceive(what, (message) => message.withJSONContent(content).withMetadata({ topic: 'users.changes' }))
      .executeTest(async ({ contents }) =>
        assert.deepEqual(await consumed(t, JSON.stringify(contents.content)), expected),
      )
  })
}

test('a message that is wrong is set aside, and read no further: that is in no contract', async (t) => {
  const { handled, parked } = await consumed(t, JSON.stringify({ op: 'c', after: { change_id: 123, entity: 'user' } }))
  assert.deepEqual([handled, parked.length], [[], 1])
})
