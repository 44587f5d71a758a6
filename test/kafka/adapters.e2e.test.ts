import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import type { KafkaBroker } from '../../scripts/kafka-broker.ts'
import type { Client } from '../../src/adapters/kafka/client.ts'
import { within } from '../../src/adapters/kafka/connection.ts'
import { kafkaConsumer } from '../../src/adapters/kafka/consumer.ts'
import { kafkaReader } from '../../src/adapters/kafka/reader.ts'
import { kafkaWriter } from '../../src/adapters/kafka/writer.ts'
import type { LogRecord, OutgoingMessage } from '../../src/ports/message-log.ts'
import { gate } from '../contract/rig.ts'
import { asAdmin, freshTopics, kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { until } from '../support/service.ts'
import { makeTopic, openClient, readAll } from './rig.ts'

const skip = kafkaMissing() ?? false
const SESSION_MS = 2_000
/** Several times longer than any answer; the client itself gives up after some 10 s. */
const REFUSED_LIMIT_MS = 25_000
const BACK_LIMIT_MS = 40_000
const LEFT_LIMIT_MS = 1_500

let broker: KafkaBroker
let client: Client
before(async () => {
  if (skip) return
  broker = await startTestKafka({ settings: { 'group.min.session.timeout.ms': '1000' } })
  client = await openClient(broker.brokers)
})
after(() => broker?.stop())

function openWriter(t: TestContext, of: Client = client) {
  const writer = kafkaWriter(of)
  t.after(() => writer.close())
  return writer
}

function openReader(t: TestContext) {
  const reader = kafkaReader(client)
  t.after(() => reader.close())
  return reader
}

const numbered = (count: number, partition: number, name = 'm'): OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) => ({ key: null, value: `${name}${index}`, partition }))
const valuesOf = (read: { value: string }[]) => read.map(({ value }) => value)

type Got = { partition: number; offset: number; value: string }
type Handling = (partition: number, records: LogRecord[], alive: () => Promise<void>) => Promise<void>

/** One member, which keeps what it is given. `stop` comes at the test's end, if not before. */
function joinGroup(
  t: TestContext,
  { topic, group, sessionTimeoutMs = SESSION_MS }: { topic: string; group: string; sessionTimeoutMs?: number },
  handle: Handling = async () => undefined,
) {
  const consumer = kafkaConsumer(client, { topic, group, sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs })
  t.after(() => consumer.stop())
  const assigned: number[][] = []
  const got: Got[] = []
  const passed = new Map<number, number>()
  void consumer.start({
    onAssigned: async (partitions) => void assigned.push(partitions.toSorted()),
    async onRecords(partition, records, alive) {
      await handle(partition, records, alive)
      for (const { offset, value } of records) got.push({ partition, offset, value: String(value) })
    },
    onPassed: (partition, next) => void passed.set(partition, next),
  })
  const has = (partitions: number[]) =>
    until(
      `the member has ${partitions}`,
      async () => JSON.stringify(assigned.at(-1)) === JSON.stringify(partitions),
      BACK_LIMIT_MS,
    )
  const values = (partition: number) => valuesOf(got.filter((each) => each.partition === partition))
  return { ...consumer, assigned, got, passed, has, values }
}

const committing = (partition: number, offset: number, note = '') => [{ partition, offset, note }]

/** UtilsTest.testMurmur2 of Kafka, and what its own class answers for our keys: murmur2, made positive, modulo 7. */
const JAVA: [key: string, partitionOfSeven: number][] = [
  ['21', 3],
  ['foobar', 0],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 3],
  ['1', 2],
  ['2', 2],
  ['42', 3],
  ['1234567', 0],
  ['9007199254740991', 1],
  ['*', 5],
  ['ärger', 3],
]

describe('over a broker that nothing befalls', { skip, concurrency: 3 }, () => {
  test('what is appended stands in the order given, from the offset on that is told', async (t) => {
    const topic = await makeTopic(client, 2)
    const { append } = openWriter(t)
    assert.deepEqual(await append(topic, numbered(3, 1, 'a')), [{ partition: 1, firstOffset: 0, count: 3 }])
    const both = await append(topic, [...numbered(2, 0, 'b'), ...numbered(2, 1, 'c')])
    assert.deepEqual(
      both.toSorted((a, b) => a.partition - b.partition),
      [
        { partition: 0, firstOffset: 0, count: 2 },
        { partition: 1, firstOffset: 3, count: 2 },
      ],
    )
    for (let round = 0; round < 20; round += 1)
      assert.deepEqual(await append(topic, numbered(5, 0, `r${round}-`)), [
        { partition: 0, firstOffset: 2 + round * 5, count: 5 },
      ])
    const read = await readAll(client, topic)
    const rounds = Array.from({ length: 20 }, (_, round) =>
      valuesOf(numbered(5, 0, `r${round}-`) as { value: string }[]),
    )
    assert.deepEqual(valuesOf(read.filter(({ partition }) => partition === 0)), ['b0', 'b1', ...rounds.flat()])
    assert.deepEqual(valuesOf(read.filter(({ partition }) => partition === 1)), ['a0', 'a1', 'a2', 'c0', 'c1'])
  })

  test('of appends that are under way at once, each stands where it is told', async (t) => {
    const topic = await makeTopic(client, 1)
    const { append } = openWriter(t)
    const appended = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const [at] = await append(topic, numbered(2, 0, `x${index}-`))
        return [`x${index}-0`, at?.firstOffset]
      }),
    )
    const read = await readAll(client, topic)
    assert.equal(read.length, 60)
    const firsts = read.filter(({ value }) => value.endsWith('-0')).map(({ value, offset }) => [value, offset])
    assert.deepEqual(appended.sort(), firsts.sort())
  })

  test('keys are spread as Java’s client spreads them, and headers and bytes come through', async (t) => {
    const topic = await makeTopic(client, 7)
    const { append } = openWriter(t)
    for (const [key, partition] of JAVA) {
      const [appended] = await append(topic, [{ key, value: Buffer.from(key), headers: { for: 'kéy' } }])
      assert.equal(appended?.partition, partition, key)
    }
    const read = await readAll(client, topic)
    assert.deepEqual(read.map(({ key, partition }) => [key, partition]).sort(), [...JAVA].sort())
    assert.ok(read.every(({ key, value, headers }) => key === value && headers.join() === 'for: kéy'))
  })

  test('a topic that is not there is refused in bounded time, and none is made', async (t) => {
    const topic = `${freshTopics()}missing`
    const { append } = openWriter(t)
    const reader = openReader(t)
    const began = performance.now()
    await Promise.all([
      assert.rejects(append(topic, numbered(1, 0))),
      assert.rejects(openWriter(t).append(topic, [{ key: '1', value: 'x' }])),
      assert.rejects(reader.bounds(topic)),
    ])
    assert.ok(performance.now() - began < REFUSED_LIMIT_MS, `${performance.now() - began} ms`)
    assert.equal((await asAdmin(client, (admin) => admin.listTopics())).includes(topic), false)
    const there = await makeTopic(client, 1)
    assert.deepEqual(await append(there, numbered(1, 0)), [{ partition: 0, firstOffset: 0, count: 1 }], 'it goes on')
  })

  test('bounds say what is there, also after the oldest has been deleted', async (t) => {
    const topic = await makeTopic(client, 3)
    const [{ append }, { bounds }] = [openWriter(t), openReader(t)]
    await append(topic, [...numbered(5, 0), ...numbered(1, 2)])
    assert.deepEqual(await bounds(topic), [
      { partition: 0, first: 0, end: 5 },
      { partition: 1, first: 0, end: 0 },
      { partition: 2, first: 0, end: 1 },
    ])
    await asAdmin(client, async (admin) => {
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    })
    assert.deepEqual((await bounds(topic))[0], { partition: 0, first: 3, end: 5 })
  })

  test('of a group that has committed nothing no offset is told', async (t) => {
    const topic = await makeTopic(client, 2)
    const { committed } = openReader(t)
    const found = await committed(topic, `${freshTopics()}group`)
    assert.deepEqual(
      found.filter(({ offset, note }) => offset !== null || note !== ''),
      [],
    )
  })

  test('a new group gets everything from the beginning on, once, in the order of each partition', async (t) => {
    const topic = await makeTopic(client, 3)
    const { append } = openWriter(t)
    await append(topic, [...numbered(500, 0, 'a'), ...numbered(3, 1, 'b')])
    const { has, got, values } = joinGroup(t, { topic, group: `${freshTopics()}group` })
    await has([0, 1, 2])
    await until('what was there has come', async () => got.length >= 503)
    await append(topic, [...numbered(2, 2, 'c'), ...numbered(1, 0, 'late')])
    await until('what came later has come', async () => got.length >= 506)
    assert.deepEqual(values(0), [...Array.from({ length: 500 }, (_, index) => `a${index}`), 'late0'])
    assert.deepEqual(values(1), ['b0', 'b1', 'b2'])
    assert.deepEqual(values(2), ['c0', 'c1'])
  })

  test('offsets that hold no record are passed over: a transaction’s own, and all of one that was given up', async (t) => {
    const topic = await makeTopic(client, 1)
    const { got, passed, values, has } = joinGroup(t, { topic, group: `${freshTopics()}group` })
    await has([0])
    const producer = client.kafka.producer({
      ...{ transactionalId: topic, idempotent: true, maxInFlightRequests: 1, createPartitioner: client.partitioner },
    })
    await producer.connect()
    t.after(() => producer.disconnect())
    for (const [value, isKept] of [
      ['kept', true],
      ['given up', false],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value, partition: 0 }] })
      await (isKept ? transaction.commit() : transaction.abort())
    }
    await until('all is passed', async () => passed.get(0) === 4)
    assert.deepEqual([values(0), got.length], [['kept'], 1])
    const { append } = openWriter(t)
    assert.deepEqual(await append(topic, numbered(1, 0)), [{ partition: 0, firstOffset: 4, count: 1 }])
    await until('it is passed', async () => passed.get(0) === 5)
    assert.deepEqual(values(0), ['kept', 'm0'])
  })

  test('whoever comes next goes on behind what was committed, and finds the note there', async (t) => {
    const topic = await makeTopic(client, 2)
    const group = `${freshTopics()}group`
    const [{ append }, { committed }] = [openWriter(t), openReader(t)]
    await append(topic, [...numbered(4, 0, 'a'), ...numbered(2, 1, 'b')])
    const first = joinGroup(t, { topic, group })
    await until('it has all', async () => first.got.length === 6)
    await first.commit([...committing(0, 3, '{"mark":"„é“"}'), ...committing(1, 2)])
    assert.deepEqual(
      (await committed(topic, group)).toSorted((a, b) => a.partition - b.partition),
      [
        { partition: 0, offset: 3, note: '{"mark":"„é“"}' },
        { partition: 1, offset: 2, note: '' },
      ],
    )
    await first.stop()
    const second = joinGroup(t, { topic, group })
    await until('the rest has come', async () => second.got.length > 0)
    await append(topic, numbered(1, 1, 'c'))
    await until('what is new has come', async () => second.got.length === 2)
    assert.deepEqual([second.values(0), second.values(1)], [['a3'], ['c0']])
  })

  test('nothing is committed for partitions that are another’s now, nor by a member that has ended', async (t) => {
    const topic = await makeTopic(client, 2)
    const group = `${freshTopics()}group`
    const { committed } = openReader(t)
    const first = joinGroup(t, { topic, group })
    await assert.rejects(first.commit(committing(0, 1)), 'before it has joined')
    await first.has([0, 1])
    await first.commit([...committing(0, 0, 'mine'), ...committing(1, 0, 'mine')])
    const second = joinGroup(t, { topic, group })
    await until('they share', async () => first.assigned.at(-1)?.length === 1 && second.assigned.at(-1)?.length === 1)
    const lost = second.assigned.at(-1)?.[0] ?? 0
    await second.commit(committing(lost, 0, 'theirs'))
    await assert.rejects(first.commit(committing(lost, 0, 'mine again')))
    const stopping = first.stop()
    await assert.rejects(first.commit(committing(1 - lost, 0, 'too late')))
    await stopping
    await assert.rejects(first.commit(committing(1 - lost, 0, 'much too late')))
    const notes = (await committed(topic, group)).map(({ partition, note }) => [partition, note])
    assert.deepEqual(
      notes.sort(),
      [
        [lost, 'theirs'],
        [1 - lost, 'mine'],
      ].sort(),
    )
  })

  test('records may take longer than a session, if it says that it is alive: it stays in the group', async (t) => {
    const topic = await makeTopic(client, 2)
    const [{ append }] = [openWriter(t)]
    const { got, assigned, has, commit } = joinGroup(
      t,
      { topic, group: `${freshTopics()}group` },
      async (_, records, alive) => {
        if (String(records[0]?.value) !== 'slow0') return
        for (const end = performance.now() + 2 * SESSION_MS; performance.now() < end; await delay(200)) await alive()
      },
    )
    await has([0, 1])
    await append(topic, [...numbered(3, 0, 'slow')])
    await until('it has them', async () => got.length === 3)
    await append(topic, numbered(1, 0, 'next'))
    await until('it has the next', async () => got.length === 4)
    await commit(committing(0, 4))
    assert.deepEqual([assigned.length, valuesOf(got)], [1, ['slow0', 'slow1', 'slow2', 'next0']])
  })

  test('who is in the middle of records is told when the group is shared out anew, and they come again', async (t) => {
    const topic = await makeTopic(client, 2)
    const group = `${freshTopics()}group`
    const { append } = openWriter(t)
    let refused = 0
    const hold = { open: false }
    t.after(() => {
      hold.open = true
    })
    const slow: Handling = async (_partition, _records, alive) => {
      while (!hold.open) {
        await delay(50)
        await alive().catch((error) => {
          refused += 1
          throw error
        })
      }
    }
    const first = joinGroup(t, { topic, group }, slow)
    await first.has([0, 1])
    await append(topic, [...numbered(2, 0, 'a'), ...numbered(2, 1, 'b')])
    await delay(0)
    const second = joinGroup(t, { topic, group }, slow)
    await until('it is told', async () => refused > 0)
    await until('they share', async () => first.assigned.at(-1)?.length === 1 && second.assigned.at(-1)?.length === 1)
    assert.equal(first.got.length + second.got.length, 0)
    hold.open = true
    await until('all has come', async () => first.got.length + second.got.length >= 4)
    const all = [...first.got, ...second.got].map(({ value }) => value)
    assert.deepEqual(all.sort(), ['a0', 'a1', 'b0', 'b1'])
  })

  test('who stops is out of the group at once', async (t) => {
    const topic = await makeTopic(client, 2)
    const long = { topic, group: `${freshTopics()}group`, sessionTimeoutMs: 5_000 }
    const [first, second] = [joinGroup(t, long), joinGroup(t, long)]
    await until('they share', async () => first.assigned.at(-1)?.length === 1 && second.assigned.at(-1)?.length === 1)
    const before = second.assigned.length
    const began = performance.now()
    await first.stop()
    const stoppedMs = performance.now() - began
    await until('the other has all', async () => second.assigned.length > before)
    const tookMs = performance.now() - began
    assert.deepEqual(second.assigned.at(-1), [0, 1])
    // It hears of it at its next heartbeat, a fifth of a session later at the latest.
    assert.ok(stoppedMs < LEFT_LIMIT_MS && tookMs < LEFT_LIMIT_MS + 1_000, `${stoppedMs} ms, ${tookMs} ms`)
  })

  test('a restart goes on behind what was committed', async (t) => {
    const topic = await makeTopic(client, 1)
    const { append } = openWriter(t)
    const { got, commit, restart, assigned, values } = joinGroup(t, { topic, group: `${freshTopics()}group` })
    const joined = () => assigned.filter((partitions) => partitions.length > 0)
    await append(topic, numbered(3, 0, 'a'))
    await until('all has come', async () => got.length === 3)
    await commit(committing(0, 2))
    for (let round = 1; round <= 2; round += 1) {
      restart('the test wants it')
      restart('twice at once is once')
      await until('it has it again', async () => joined().length > round && got.length > 2 + round)
    }
    await append(topic, numbered(1, 0, 'b'))
    await until('what is new has come', async () => got.length >= 6)
    assert.deepEqual(values(0), ['a0', 'a1', 'a2', 'a2', 'a2', 'b0'])
    assert.deepEqual(assigned, [[0], [], [0], [], [0]], 'between two it has none')
  })

  test('a restart in the middle of records gives these up, and they come again', async (t) => {
    const topic = await makeTopic(client, 1)
    const { append } = openWriter(t)
    const { passed, open } = gate()
    t.after(open)
    const began: number[] = []
    const { got, restart, assigned, has } = joinGroup(
      t,
      { topic, group: `${freshTopics()}group` },
      async (_, records) => {
        began.push(records.length)
        if (began.length === 1) await passed
      },
    )
    await has([0])
    await append(topic, numbered(1, 0))
    await until('it has begun', async () => began.length === 1)
    restart('stuck')
    await until('it has joined again', async () => assigned.filter((partitions) => partitions.length > 0).length === 2)
    await until('they have come again', async () => got.length === 1)
  })

  test('a process that uses it prints no warning', async () => {
    const topic = await makeTopic(client, 1)
    const src = join(import.meta.dirname, '..', '..', 'src', 'adapters', 'kafka')
    const script = `
      import { kafkaClient } from '${src}/client.ts'
      import { kafkaWriter } from '${src}/writer.ts'
      import { kafkaReader } from '${src}/reader.ts'
      import { kafkaConsumer } from '${src}/consumer.ts'
      const log = new Proxy({}, { get: () => () => undefined })
      const client = await kafkaClient({ brokers: ['${broker.brokers}'], tls: null, sasl: null }, log)
      const [writer, reader] = [kafkaWriter(client), kafkaReader(client)]
      await writer.append('${topic}', [{ key: '1', value: 'x' }])
      await reader.bounds('${topic}')
      const options = { topic: '${topic}', group: '${topic}', sessionTimeoutMs: 2000, rebalanceTimeoutMs: 2000 }
      const consumer = kafkaConsumer(client, options)
      await new Promise((resolve) => consumer.start({ onAssigned: async () => undefined, onRecords: async () => resolve(), onPassed: () => undefined }))
      await Promise.all([consumer.stop(), writer.close(), reader.close()])
    `
    const { stderr, stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: REFUSED_LIMIT_MS,
    })
    assert.equal(stdout, '')
    assert.equal(stderr, '')
  })

  test('what never answers is given up', async () => {
    await assert.rejects(within(20, new Promise(() => undefined)), /Kafka has not answered within 20 ms/)
    assert.equal(await within(1_000, Promise.resolve('x')), 'x')
  })
})

describe('over a broker that things befall', { skip }, () => {
  test('what was acknowledged after a broker was frozen in the middle of an append is really there', async (t) => {
    const topic = await makeTopic(client, 1)
    // As the real one, but sooner tired of waiting.
    const impatient = new Kafka({
      brokers: [broker.brokers],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 500,
      requestTimeout: 500,
      retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 50 },
    })
    const { append } = openWriter(t, { ...client, kafka: impatient })
    const { bounds } = openReader(t)
    await append(topic, numbered(1, 0, 'before'))
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round += 1) {
      broker.freeze()
      t.after(broker.thaw)
      const began = performance.now()
      // One may still get through: not all of a process stops at once.
      await until('one is given up', () =>
        append(topic, numbered(1, 0, `given-up${round}-`)).then(
          () => false,
          () => true,
        ),
      )
      assert.ok(performance.now() - began < REFUSED_LIMIT_MS)
      const early = append(topic, numbered(1, 0, `early${round}-`)).then(
        ([appended]) => void acknowledged.push(`early${round}-0 ${appended?.firstOffset}`),
        () => undefined,
      )
      broker.thaw()
      await early
      // What was given up has in fact been stored by now: the broker had it in hand.
      await until('it answers again', () => bounds(topic).catch(() => null))
      for (let index = 0; index < 3; index += 1) {
        const name = `later${round}.${index}-`
        await until('it takes messages again', () =>
          append(topic, numbered(1, 0, name)).then(
            ([appended]) => acknowledged.push(`${name}0 ${appended?.firstOffset}`),
            () => null,
          ),
        )
      }
    }
    const read = await readAll(client, topic)
    assert.equal(acknowledged.filter((each) => each.startsWith('later')).length, 9)
    const there = new Set(read.map(({ value, offset }) => `${value} ${offset}`))
    assert.deepEqual(
      acknowledged.filter((each) => !there.has(each)),
      [],
      'acknowledged, and not there',
    )
    assert.ok(
      read.some(({ value }) => value.startsWith('given-up')),
      'the trap was there: what was given up was stored',
    )
  })

  test('a broker that is killed and comes back: writer, reader and consumer go on by themselves', async (t) => {
    const topic = await makeTopic(client, 2)
    const group = `${freshTopics()}group`
    const [{ append }, { bounds, committed }] = [openWriter(t), openReader(t)]
    const member = joinGroup(t, { topic, group })
    await member.has([0, 1])
    await append(topic, [...numbered(2, 0, 'a'), ...numbered(2, 1, 'b')])
    await until('all has come', async () => member.got.length === 4)
    await member.commit([...committing(0, 2, 'kept'), ...committing(1, 1, 'kept')])
    await broker.kill()
    const early = append(topic, numbered(1, 0, 'during'))
    early.catch(() => undefined)
    await broker.start()
    await until('it is written to', () => append(topic, numbered(1, 1, 'after')).catch(() => null), BACK_LIMIT_MS)
    await until('it is read', () => bounds(topic).catch(() => null), BACK_LIMIT_MS)
    const during = await early.then(
      () => ['during0'],
      () => [],
    )
    await until(
      'the member has what is new',
      async () => member.values(1).includes('after0') && during.every((value) => member.values(0).includes(value)),
      BACK_LIMIT_MS,
    )
    assert.deepEqual((await committed(topic, group)).map(({ offset, note }) => [offset, note]).sort(), [
      [1, 'kept'],
      [2, 'kept'],
    ])
    await until(
      'it can commit again',
      () =>
        member.commit(committing(0, 2, 'again')).then(
          () => true,
          () => null,
        ),
      BACK_LIMIT_MS,
    )
    assert.equal((await committed(topic, group)).find(({ partition }) => partition === 0)?.note, 'again')
  })

  test('a broker that is frozen for longer than a session costs no message', async (t) => {
    const topic = await makeTopic(client, 1)
    const { append } = openWriter(t)
    const member = joinGroup(t, { topic, group: `${freshTopics()}group` })
    await member.has([0])
    await append(topic, numbered(2, 0, 'a'))
    await until('all has come', async () => member.got.length === 2)
    await member.commit(committing(0, 2))
    broker.freeze()
    t.after(broker.thaw)
    await delay(SESSION_MS * 1.5)
    broker.thaw()
    await until('it is written to', () => append(topic, numbered(1, 0, 'after')).catch(() => null), BACK_LIMIT_MS)
    await until('it has come', async () => member.values(0).includes('after0'), BACK_LIMIT_MS)
    assert.deepEqual(
      member.values(0).filter((value) => value.startsWith('a0') || value.startsWith('a1')),
      ['a0', 'a1'],
    )
  })
})
