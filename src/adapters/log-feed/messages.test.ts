import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_USER_ID } from '../../domain/user.ts'
import type { LogRecord, OutgoingMessage } from '../../ports/message-log.ts'
import type { Change } from '../../ports.ts'
import { decode, encodeChange, encodeMark, MAX_VALUE_BYTES } from './messages.ts'
import { parkedMessage } from './parked-message.ts'

const WRITTEN = '2026-11-28 10:00:00.000'
const OF_USER: Change = { changeId: 123, entity: 'user', entityId: '42', changedAt: WRITTEN }
const OF_ROLES: Change = { changeId: 124, entity: 'role', entityId: '*', changedAt: WRITTEN }
const MARK = { mark: WRITTEN, stream: 's-1', token: 7, at: 12 }

const bytes = ({ value }: OutgoingMessage) => ({ value: Buffer.from(value) })
const read = (json: unknown) => decode({ value: Buffer.from(JSON.stringify(json)) })
const jsonOf = (message: OutgoingMessage) => JSON.parse(String(message.value))
const example = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../../contracts/events/examples/${name}.json`, import.meta.url), 'utf8'),
  ) as Record<string, unknown>

const anyTime = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('T', ' ').slice(0, -1))
const SEED = 20261201
const RUNS = { seed: SEED }
const anyId = fc.integer({ min: 1, max: MAX_USER_ID })
const anyChange = fc.oneof(
  fc.record({
    changeId: anyId,
    entity: fc.constant('user' as const),
    entityId: anyId.map(String),
    changedAt: anyTime,
  }),
  fc.record({
    changeId: anyId,
    entity: fc.constant('role' as const),
    entityId: fc.constant('*'),
    changedAt: anyTime,
  }),
)

test(`a change comes back as it was; its row is gone by then (seed ${SEED})`, () => {
  fc.assert(
    fc.property(anyChange, (change) => {
      const message = encodeChange(change)
      assert.deepEqual(decode(bytes(message)), { kind: 'change', change: { ...change }, rowRemains: false })
      assert.equal(message.key, change.entityId)
    }),
    RUNS,
  )
  assert.equal(
    encodeChange(OF_USER).value,
    `{"v":1,"kind":"change","entity":"user","entityId":"42","changeId":123,"changedAt":"${WRITTEN}"}`,
  )
})

test(`a mark comes back as it was, and goes to its own partition (seed ${SEED})`, () => {
  const count = fc.integer({ min: 0, max: MAX_USER_ID })
  const stream = fc.string({ minLength: 1, maxLength: 64 })
  fc.assert(
    fc.property(fc.record({ mark: anyTime, stream, token: count, at: count }), fc.nat(), (mark, partition) => {
      const message = encodeMark(mark, partition)
      assert.deepEqual(decode(bytes(message)), { kind: 'mark', ...mark })
      assert.deepEqual([message.key, message.partition], [null, partition])
    }),
    RUNS,
  )
  const text = `{"v":1,"kind":"mark","mark":"${WRITTEN}","stream":"s-1","token":7,"at":12}`
  assert.equal(encodeMark(MARK, 3).value, text)
})

test(`nothing makes it throw: neither bytes, nor JSON, nor messages that are nearly right (seed ${SEED})`, () => {
  const kinds = ['change', 'mark', 'nothing', 'unknown']
  const decodes = (value: Buffer | null) => assert.ok(kinds.includes(decode({ value }).kind))
  fc.assert(
    fc.property(fc.option(fc.uint8Array({ maxLength: 200 })), (value) => decodes(value && Buffer.from(value))),
    RUNS,
  )
  fc.assert(
    fc.property(fc.jsonValue(), (value) => decodes(Buffer.from(JSON.stringify(value)))),
    RUNS,
  )
  const insert = example('debezium-insert')
  const bases = [jsonOf(encodeChange(OF_USER)), jsonOf(encodeMark(MARK, 0)), insert, { schema: null, payload: insert }]
  const names = ['v', 'kind', 'entity', 'entityId', 'mark', 'payload', 'after', 'op', 'source', '__proto__', 'toString']
  const nearly = fc.tuple(fc.constantFrom(...bases), fc.constantFrom(...names), fc.jsonValue())
  fc.assert(
    fc.property(nearly, ([base, name, value]) => {
      const spoilt = JSON.stringify({ ...base, [`${name}`]: undefined }).replace(/^{/, `{${JSON.stringify(name)}:`)
      decodes(Buffer.from(spoilt.replace(':', `:${JSON.stringify(value)},`)))
      decodes(Buffer.from(JSON.stringify({ ...base, [name]: value })))
    }),
    RUNS,
  )
  decodes(Buffer.from('['.repeat(MAX_VALUE_BYTES)))
  decodes(Buffer.from(JSON.stringify({ ...insert, after: { change_id: `${' '.repeat(60_000)}x` } })))
})

test('a reason names the fault, and quotes nothing of the message', () => {
  const secret = 'Ann.Lee@example.com'
  const change = jsonOf(encodeChange(OF_USER))
  const insert = example('debezium-insert')
  const row = insert.after as object
  const reasons = [
    [Buffer.from(secret), 'no JSON'],
    [Buffer.from([0x22, 0xff, 0x22]), 'no JSON'],
    [Buffer.alloc(0), 'no JSON'],
    [JSON.stringify(secret), 'no JSON object'],
    ['[]', 'no JSON object'],
    [{ ...change, v: 2, [secret]: 1 }, 'of a newer version of the format'],
    [{ ...change, v: secret }, 'v is no version of the format'],
    [{ ...change, v: 0 }, 'v is no version of the format'],
    [{ ...change, kind: secret }, 'of no kind that is known'],
    [{ ...change, entity: secret }, 'a change whose entity is missing or wrong'],
    [{ ...change, entityId: secret }, 'a change whose entityId is missing or wrong'],
    [{ ...change, changeId: secret }, 'a change whose changeId is missing or wrong'],
    [{ ...change, changedAt: secret }, 'a change whose changedAt is missing or wrong'],
    [{ ...jsonOf(encodeMark(MARK, 0)), mark: secret }, 'a mark whose mark is missing or wrong'],
    [{ ...jsonOf(encodeMark(MARK, 0)), stream: '' }, 'a mark whose stream is missing or wrong'],
    [{ ...jsonOf(encodeMark(MARK, 0)), at: -1 }, 'a mark whose at is missing or wrong'],
    [{ schema: null, payload: secret }, 'a payload that is no object'],
    [{ [secret]: 1 }, 'neither a message of the relay nor one of Debezium'],
    [{ ...insert, op: secret }, 'an op that is not known'],
    [{ ...insert, op: 1 }, 'an op that is no text'],
    [{ ...insert, after: null }, 'no inserted row in after'],
    [{ ...insert, source: { table: 'parked_changes' } }, 'a row of another table'],
    [{ ...insert, after: { ...row, entity_id: secret } }, 'a row whose entity_id is missing or wrong'],
    [{ ...insert, after: { ...row, changed_at: secret } }, 'a row whose changed_at is missing or wrong'],
    [{ ...insert, after: { ...row, entity: secret } }, 'a row whose entity is missing or wrong'],
    [{ ...insert, after: { ...row, change_id: secret } }, 'a row whose change_id is missing or wrong'],
    [{ ...change, padding: 'x'.repeat(MAX_VALUE_BYTES) }, 'longer than 65536 bytes'],
  ] as const
  for (const [value, reason] of reasons) {
    const isRaw = typeof value === 'string' || Buffer.isBuffer(value)
    const buffer = Buffer.from(isRaw ? value : JSON.stringify(value))
    assert.deepEqual(decode({ value: buffer }), { kind: 'unknown', reason })
    assert.ok(!reason.includes(secret))
  }
})

test('a user’s id is a whole number that JSON carries; what is added later is read over', () => {
  const kindWith = (entityId: string) => read({ ...jsonOf(encodeChange(OF_USER)), entityId }).kind
  const wrong = ['0', '-1', '007', '1.5', '1e3', '', ' 1', '1 ', '9007199254740992', '*', 'ann']
  for (const id of wrong) assert.equal(kindWith(id), 'unknown', id)
  for (const id of ['1', '9007199254740991']) assert.equal(kindWith(id), 'change', id)
  const decoded = read({ ...jsonOf(encodeChange(OF_ROLES)), cause: 'new' })
  assert.deepEqual(decoded, { kind: 'change', change: OF_ROLES, rowRemains: false })
})

test('a row that Debezium saw inserted, or found, is a change whose row is still there', () => {
  const there = { kind: 'change', rowRemains: true }
  assert.deepEqual(read(example('debezium-insert')), { ...there, change: OF_USER })
  assert.deepEqual(read(example('debezium-insert-with-schema')), { ...there, change: OF_USER })
  assert.deepEqual(read(example('debezium-snapshot')), { ...there, change: OF_ROLES })
  const row = { change_id: '123', entity: 'user    ', entity_id: '42   ', changed_at: `${WRITTEN} ` }
  assert.deepEqual(read({ op: 'c', after: row }), { ...there, change: OF_USER }, 'padded, the number as text')
})

test('what else happens to the outbox’s rows, and Debezium’s own signs of life, are nothing', () => {
  const nothing = { kind: 'nothing' }
  assert.deepEqual(decode({ value: null }), nothing, 'a tombstone')
  assert.deepEqual(read(null), nothing)
  assert.deepEqual(read({ schema: null, payload: null }), nothing)
  assert.deepEqual(read(example('debezium-delete')), nothing)
  for (const op of ['u', 'd', 't']) assert.deepEqual(read({ ...example('debezium-insert'), op }), nothing, op)
  for (const sign of [
    { ts_ms: 1_795_860_000_000 },
    { ts_ms: 1_795_860_000_000, ts_us: 1_795_860_000_000_000, ts_ns: 1 },
    { status: 'BEGIN', id: '571:53195829', ts_ms: 1_795_860_000_000, event_count: null, data_collections: null },
    { status: 'END', id: '571:53195832', ts_ms: 1_795_860_000_000, event_count: 0, data_collections: [] },
  ]) {
    assert.deepEqual(read(sign), nothing)
    assert.deepEqual(read({ schema: {}, payload: sign }), nothing)
  }
})

test('what is parked keeps its bytes and headers, and says where it came from and why', () => {
  const record: LogRecord = {
    ...{ offset: 99, key: Buffer.from('42'), headers: { trace: 'abc', 'parked-reason': 'an old one' } },
    value: Buffer.from([0xff, 0x00, 0x7b]),
  }
  const place = { topic: 'users.changes', partition: 3, reason: 'no JSON', at: new Date('2026-11-28T10:00:00.000Z') }
  assert.deepEqual(parkedMessage(record, place), {
    key: '42',
    value: Buffer.from([0xff, 0x00, 0x7b]),
    headers: {
      trace: 'abc',
      'parked-reason': 'no JSON',
      'parked-from-topic': 'users.changes',
      'parked-from-partition': '3',
      'parked-from-offset': '99',
      'parked-at': '2026-11-28T10:00:00.000Z',
    },
  })
  const { at, ...now } = place
  const before = new Date().toISOString()
  const parkedAt = parkedMessage(record, now).headers?.['parked-at'] ?? ''
  assert.ok(parkedAt >= before && at.toISOString() !== parkedAt)
})

test('a key that is no text is parked beside the message, not broken', () => {
  const key = Buffer.from([0xff, 0xfe])
  const record: LogRecord = { offset: 1, key, value: Buffer.from('x'), headers: {} }
  const parked = parkedMessage(record, { topic: 'users.changes', partition: 0, reason: 'x'.repeat(1_000) })
  assert.equal(parked.key, null)
  assert.deepEqual(Buffer.from(parked.headers?.['parked-key-base64'] ?? '', 'base64'), key)
  assert.equal(parked.headers?.['parked-reason']?.length, 200)
  assert.equal(parkedMessage({ ...record, key: null }, { topic: 't', partition: 0, reason: 'r' }).key, null)
})

test('what is too long is cut, and says what it was', () => {
  const value = Buffer.alloc(MAX_VALUE_BYTES + 1, 'x')
  const headers = { long: 'y'.repeat(10_000) }
  const record = { offset: 1, key: Buffer.alloc(2_000, 'k'), value, headers }
  const { key, value: kept, headers: said } = parkedMessage(record, { topic: 't', partition: 0, reason: 'long' })
  assert.deepEqual([key, kept.length], [null, MAX_VALUE_BYTES])
  assert.equal(said?.['parked-value-bytes'], String(value.length))
  assert.match(said?.['parked-value-sha256'] ?? '', /^[0-9a-f]{64}$/)
  assert.deepEqual([said?.long, said?.['parked-headers']], [undefined, 'too long'])
})
