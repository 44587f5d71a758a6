// Where a site has Debezium's connector read the outbox in place of our relay, its message is one that we consume.
import assert from 'node:assert/strict'
import { test as nodeTest, type TestContext } from 'node:test'
import { MatchersV3 } from '@pact-foundation/pact'
import { logFeed } from '../../../src/adapters/log-feed/log-feed.ts'
import { decode } from '../../../src/adapters/log-feed/messages.ts'
import { DebeziumMessage } from '../../../src/adapters/log-feed/schemas.ts'
import type { ConsumerListener } from '../../../src/ports/message-log.ts'
import type { Change } from '../../../src/ports.ts'
import { quiet, until } from '../../strangler/proxy/rig.ts'
import { keptPact, SERVICE } from '../kept.ts'

const { integer, nullValue, regex } = MatchersV3
const LEASE_MS = 10_000
const STRUCT = { type: 'struct' }
const WRITTEN = '2026-11-28 10:00:00.000'
const CHANGED_AT = '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3} *$'

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
  changed_at: regex(CHANGED_AT, WRITTEN),
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

const TIMES = {
  [WRITTEN]: true,
  [`${WRITTEN}  `]: true,
  '2026-11-28T10:00:00Z': false,
  '2026-11-28 10:00:00': false,
  [` ${WRITTEN}`]: false,
  '1764324000000': false,
  x: false,
  '': false,
}
for (const [text, isTime] of Object.entries(TIMES)) {
  nodeTest(
    `“${text}” is ${isTime ? 'a' : 'no'} time of a change: to the contract, to the reader, and in the schema`,
    () => {
      const after = { change_id: 123, entity: 'user', entity_id: '42', changed_at: text }
      const message = { before: null, after, op: 'c', source: { table: 'entity_changes' } }
      const { kind } = decode({ value: Buffer.from(JSON.stringify(message)) })
      const found = [new RegExp(CHANGED_AT).test(text), kind === 'change', DebeziumMessage.safeParse(message).success]
      assert.deepEqual(found, [isTime, isTime, isTime])
    },
  )
}
