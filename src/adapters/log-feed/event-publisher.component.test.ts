import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EPOCH, EXAMPLE_EVENTS, exampleEvent } from '../../../scripts/event-examples.ts'
import { ANY_VERSION, AT, BY, insertRole, insertUser, type Owner } from '../../../test/contract/rig.ts'
import { openSqliteRig } from '../../../test/contract/sqlite.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { OutgoingMessage } from '../../ports/message-log.ts'
import { type PendingEvents, pendingEvents } from '../sql/pending-events.ts'
import { sqlRoleStore } from '../sql/role-store.ts'
import { sqlUserStore } from '../sql/user-store.ts'
import { toCloudEvent } from './cloud-events.ts'
import { eventPublisher } from './event-publisher.ts'
import { EVENT_TYPES, PERSONAL_FIELDS } from './event-schemas.ts'

const TOPIC = 'users.events'
const WANTED = { events: true }

/** Keeps what it is given; of the appends that `failing` lists (the first is 0), keeps the first message and rejects. */
function memoryWriter(failing: number[] = []) {
  const messages: OutgoingMessage[] = []
  const sizes: number[] = []
  const append = async (topic: string, given: OutgoingMessage[]) => {
    assert.equal(topic, TOPIC)
    sizes.push(given.length)
    if (failing.includes(sizes.length - 1)) {
      messages.push(...given.slice(0, 1))
      throw new Error('no broker')
    }
    messages.push(...given)
    return []
  }
  return { messages, sizes, append }
}
const values = (messages: OutgoingMessage[]) => messages.map(({ value }) => JSON.parse(String(value)))
const ids = (messages: OutgoingMessage[]) => values(messages).map(({ id }) => id)

async function openPublishing(t: Owner, failing: number[] = [], personalFields: string[] = []) {
  const rig = await openSqliteRig(t)
  for (const userId of [1, 2, 3]) await insertUser(rig.database, userId)
  await insertRole(rig.database, 'cashier')
  const writer = memoryWriter(failing)
  const pending = pendingEvents(rig.database)
  const held: number[][] = []
  const publisher = eventPublisher({
    ...{ pending, writer, topic: TOPIC, epoch: EPOCH, personalFields },
    onHeld: (auditIds) => held.push(auditIds),
  })
  const users = sqlUserStore(rig.database, WANTED)
  const roles = sqlRoleStore(rig.database, WANTED)
  const assign = (userId: number, branchId: string) =>
    users.update(userId, ANY_VERSION, () => [{ type: 'branch-assigned', userId, at: AT, branchId }])
  return { ...rig, ...publisher, pending, writer, held, users, roles, assign }
}

test('what commands did is published as CloudEvents, keyed by whom it befell, in the order of their commits', async (t) => {
  const { publishSome, writer, assign, roles, pending } = await openPublishing(t)
  for (const [userId, branch] of [
    [1, 'B1'],
    [2, 'B1'],
    [1, 'B2'],
  ] as const)
    await assign(userId, branch)
  await roles.update('cashier', ANY_VERSION, () => [{ type: 'role-removed', role: 'cashier', at: AT }])
  assert.equal(await publishSome(), 4)
  assert.deepEqual(
    writer.messages.map(({ key }) => key),
    ['1', '2', '1', 'role:cashier'],
  )
  assert.deepEqual(writer.messages[0]?.headers, { 'content-type': 'application/cloudevents+json; charset=utf-8' })
  const [first, , third, role] = values(writer.messages)
  assert.deepEqual(first, {
    specversion: '1.0',
    id: `${EPOCH}-1`,
    source: `urn:users-service:${EPOCH}`,
    type: 'users-service.branch-assigned.v1',
    subject: 'users/1',
    time: AT,
    datacontenttype: 'application/json',
    dataschema: 'urn:users-service:schema:branch-assigned:v1',
    partitionkey: '1',
    sequence: '0000000000000001',
    data: { userId: 1, at: AT, branchId: 'B1' },
  })
  assert.deepEqual([third.data.branchId, role.subject, role.data], ['B2', 'roles/cashier', { role: 'cashier', at: AT }])
  assert.equal(await pending.count(), 0)
  assert.equal(await publishSome(), 0)
  assert.deepEqual(writer.sizes, [4], 'nothing is appended when there is nothing')
})

test('nothing is forgotten when the brokers have not acknowledged it; it comes again under the same ids', async (t) => {
  const { publishSome, writer, assign, pending } = await openPublishing(t, [0])
  for (const branch of ['B1', 'B2']) await assign(1, branch)
  await assert.rejects(publishSome(), /no broker/)
  assert.equal(await pending.count(), 2)
  assert.equal(await publishSome(), 2)
  assert.equal(await pending.count(), 0)
  const [once, ...again] = ids(writer.messages)
  assert.deepEqual(again, [`${EPOCH}-1`, `${EPOCH}-2`])
  assert.equal(once, again[0])
})

test('whoever is fenced off has published, and forgets nothing', async (t) => {
  const { publishSome, writer, assign, pending } = await openPublishing(t)
  await assign(1, 'B1')
  const lost = new Error('the lease is lost')
  await assert.rejects(
    publishSome(async () => {
      throw lost
    }),
    lost,
  )
  assert.equal(await pending.count(), 1)
  assert.equal(await publishSome(async () => undefined), 1)
  assert.deepEqual(ids(writer.messages), new Array(2).fill(`${EPOCH}-1`))
})

test('1,203 go in calls of 500, each user’s in order', async (t) => {
  const { database, publishSome, writer, pending } = await openPublishing(t)
  await database.transaction(async (session) => {
    for (let index = 1; index <= 1_203; index += 1) {
      const event = { type: 'branch-assigned', userId: (index % 3) + 1, at: AT, branchId: `B${index}` }
      await session.execute(
        `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
         VALUES ('user', ?, ?, ?, 'ann', 'r1', '10.0.0.1', '2024-06-01 09:00:00.000')`,
        [String(event.userId), event.type, JSON.stringify(event)],
      )
      await session.execute('INSERT INTO pending_events (audit_id) VALUES (?)', [index])
    }
  })
  const published = [await publishSome(), await publishSome(), await publishSome(), await publishSome()]
  assert.deepEqual(published, [500, 500, 203, 0])
  assert.equal(await pending.count(), 0)
  for (const key of ['1', '2', '3']) {
    const sequences = values(writer.messages.filter((message) => message.key === key)).map(({ sequence }) => sequence)
    assert.equal(sequences.length, 401)
    assert.deepEqual(sequences, sequences.toSorted())
  }
})

test('what is large together is appended in parts, below what a broker takes', async () => {
  const title = 'x'.repeat(20_000)
  const events = Array.from({ length: 60 }, (_, index) => ({
    ...{ auditId: index + 1, entity: 'role' as const, entityId: 'cashier' },
    event: { ...EXAMPLE_EVENTS['role-defined'], role: { ...EXAMPLE_EVENTS['role-defined'].role, title } },
  }))
  const writer = memoryWriter()
  const forgotten: number[][] = []
  const pending: Pick<PendingEvents, 'next' | 'forget'> = {
    next: async () => events,
    forget: async (auditIds) => void forgotten.push(auditIds),
  }
  const options = { pending, writer, topic: TOPIC, epoch: EPOCH, personalFields: [] }
  assert.equal(await eventPublisher(options).publishSome(), 60)
  assert.deepEqual(writer.sizes, [25, 25, 10])
  assert.deepEqual(forgotten, [events.map(({ auditId }) => auditId)])
  const failing = memoryWriter([1])
  await assert.rejects(eventPublisher({ ...options, writer: failing }).publishSome(), /no broker/)
  assert.equal(forgotten.length, 1, 'half of it there is not all of it')
})

test('an event that this version cannot read waits, with what follows of the same user, and holds up nobody else', async (t) => {
  const { database, publishSome, writer, assign, pending, held } = await openPublishing(t)
  for (const [userId, branch] of [
    [1, 'B1'],
    [2, 'B1'],
    [1, 'B2'],
  ] as const)
    await assign(userId, branch)
  for (const unreadable of [
    `{"type":"user-cloned","userId":1}`,
    '[',
    '"user-suspended"',
    'null',
    '{"type":"limit-set"}',
  ]) {
    await database.execute('UPDATE user_audit SET event = ? WHERE audit_id = 1', [unreadable])
    await publishSome()
    assert.deepEqual([held.at(-1), await pending.count(), writer.messages.length], [[1, 3], 2, 1], unreadable)
  }
  assert.equal(await publishSome(), 0)
  const event: UserEvent = { type: 'branch-assigned', userId: 1, at: AT, branchId: 'B1' }
  await database.execute('UPDATE user_audit SET event = ? WHERE audit_id = 1', [JSON.stringify(event)])
  assert.equal(await publishSome(), 2)
  assert.deepEqual(
    ids(writer.messages),
    [2, 1, 3].map((id) => `${EPOCH}-${id}`),
  )
})

test('however many wait, others go on', async (t) => {
  const { database, publishSome, writer, assign, pending } = await openPublishing(t)
  await database.transaction(async (session) => {
    for (let index = 1; index <= 1_100; index += 1) {
      await session.execute(
        `INSERT INTO user_audit (entity, entity_id, event_type, event, actor, request_id, address, recorded_at)
         VALUES ('user', '1', 'user-cloned', '{"type":"user-cloned"}', 'ann', 'r1', '10.0.0.1', '2024-06-01 09:00:00.000')`,
      )
      await session.execute('INSERT INTO pending_events (audit_id) VALUES (?)', [index])
    }
  })
  await assign(2, 'B1')
  assert.equal(await publishSome(), 1)
  assert.deepEqual([writer.messages[0]?.key, await pending.count()], ['2', 1_100])
  assert.equal(await publishSome(), 0)
})

/** Everything of a person that the examples hold, by the setting that lets it through. */
const SECRETS = new Map<string, string>([
  ...Object.entries(EXAMPLE_EVENTS['user-registered'].details),
  ['preferences', EXAMPLE_EVENTS['preference-set'].value],
])
const found = (text: string) => [...SECRETS].filter(([, secret]) => text.includes(secret)).map(([field]) => field)

test('by default no message holds anything of a person but the number, nor who did it, nor from where', async (t) => {
  const { publishSome, writer, users } = await openPublishing(t)
  const event = EXAMPLE_EVENTS['user-registered']
  await users.register(
    (userId) => ({ ...event, userId }),
    { ...BY, name: 'somebody.else', requestId: 'request-77' },
    null,
  )
  await users.update(1, ANY_VERSION, () => [
    { type: 'details-changed', userId: 1, at: AT, changes: { familyName: event.details.familyName, phone: null } },
    { ...EXAMPLE_EVENTS['preference-set'], userId: 1 },
  ])
  await publishSome()
  const whole = JSON.stringify(writer.messages)
  assert.deepEqual(found(whole), [])
  for (const secret of ['somebody.else', 'request-77', BY.address]) assert.ok(!whole.includes(secret), secret)
  const [registered, changed, preference] = values(writer.messages).map(({ data }) => data)
  assert.deepEqual([registered.details, registered.changed], [{}, Object.keys(event.details)])
  assert.deepEqual([changed.changes, changed.changed], [{}, ['familyName', 'phone']])
  assert.deepEqual(preference, { userId: 1, at: event.at, key: 'theme' })
  const examples = EVENT_TYPES.map((type) => JSON.stringify(exampleEvent(type))).join('\n')
  assert.deepEqual([found(examples), examples.includes('Nowak')], [[], false])
})

test('what is allowed is there, and nothing else', () => {
  assert.deepEqual([...SECRETS.keys()], [...PERSONAL_FIELDS])
  for (const field of PERSONAL_FIELDS) {
    const whole = EVENT_TYPES.map((type) => JSON.stringify(exampleEvent(type, [field]))).join('\n')
    assert.deepEqual(found(whole), [field])
  }
  const message = exampleEvent('details-changed', ['phone', 'email'])
  const { data } = JSON.parse(String(message.value))
  assert.deepEqual([data.changes, data.changed], [{ phone: null }, ['familyName', 'phone']])
})

test('what an entry holds beyond the schema is not published', () => {
  const event = { ...EXAMPLE_EVENTS['user-suspended'], reason: 'theft', actor: 'bo' }
  const audited = { auditId: 1, entity: 'user' as const, entityId: '42', event }
  const message = toCloudEvent(audited, { epoch: EPOCH, personalFields: PERSONAL_FIELDS })
  assert.ok(message)
  assert.doesNotMatch(String(message.value), /theft|actor/)
})

test('who was registered without a telephone number has none that changed', () => {
  const registered = EXAMPLE_EVENTS['user-registered']
  const event = { ...registered, details: { ...registered.details, phone: null, nickname: 'Annie' } }
  const audited = { auditId: 1, entity: 'user' as const, entityId: '42', event }
  const message = toCloudEvent(audited, { epoch: EPOCH, personalFields: ['phone', 'nickname'] })
  const { data } = JSON.parse(String(message?.value))
  assert.deepEqual([data.details, data.changed.includes('phone'), data.changed.length], [{}, false, 6])
})
