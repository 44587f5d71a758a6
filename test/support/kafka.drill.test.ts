import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaConfig } from 'kafkajs'
import { answers } from '../../scripts/kafka/answers.ts'
import type { KafkaBroker } from '../../scripts/kafka-broker.ts'
import { asAdmin, freshTopics, kafkaMissing, sharedBroker, startTestKafka, type TestKafkaOptions } from './kafka.ts'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const { Kafka, logLevel } = await import('kafkajs')

const skip = kafkaMissing() ?? false
const ROOT = join(import.meta.dirname, '..', '..')
const CREDENTIALS = { username: 'service', password: 'right-1' }
const RUN_LIMIT_MS = 60_000
const GONE_LIMIT_MS = 5_000
const POLL_MS = 20
const SIGNAL_MS = 300
const CLIENT_LIMIT_MS = 3_000

function client(brokers: string, more: Partial<KafkaConfig> = {}) {
  const limits = {
    connectionTimeout: CLIENT_LIMIT_MS,
    requestTimeout: CLIENT_LIMIT_MS,
    retry: { retries: 3, initialRetryTime: POLL_MS },
  }
  return new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, ...limits, ...more })
}

const makeTopic = (kafka: ReturnType<typeof client>, topic: string) =>
  asAdmin({ kafka }, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }))

const endOffset = (kafka: ReturnType<typeof client>, topic: string) =>
  asAdmin({ kafka }, async (admin) => (await admin.fetchTopicOffsets(topic))[0]?.high)

async function produce(kafka: ReturnType<typeof client>, topic: string, values: string[]): Promise<void> {
  const producer = kafka.producer()
  try {
    await producer.connect()
    await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) })
  } finally {
    await producer.disconnect()
  }
}

function isAlive(pid: number): boolean {
  try {
    // A dead one that nobody has asked after yet is no process any more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('a broker of ours', { skip }, () => {
  let broker: KafkaBroker
  before(async () => {
    broker = await startTestKafka({ own: true })
  })
  after(() => broker?.stop())
  /** A topic with three messages. */
  async function filled(): Promise<string> {
    const kafka = client(broker.brokers)
    const topic = `${freshTopics()}kept`
    await makeTopic(kafka, topic)
    await produce(kafka, topic, ['a', 'b', 'c'])
    assert.equal(await endOffset(kafka, topic), '3')
    return topic
  }

  test('takes messages, and makes no topic unasked', async () => {
    const topic = await filled()
    const kafka = client(broker.brokers)
    // More than once: a topic that is made by the asking is not there at the first time.
    await assert.rejects(produce(kafka, `${topic}-not`, ['a']), /does not host this topic-partition/)
  })

  test('keeps what it has acknowledged over a SIGKILL, and is there at once when its start is over', async () => {
    const topic = await filled()
    const former = broker.pid()
    await broker.kill()
    assert.equal(isAlive(former), false)
    await broker.start()
    assert.notEqual(broker.pid(), former)
    const kafka = client(broker.brokers, { retry: { retries: 0 } })
    assert.equal(await endOffset(kafka, topic), '3')
    await produce(kafka, topic, ['d'])
    assert.equal(await endOffset(kafka, topic), '4')
  })

  test('is silent while it is frozen', async () => {
    const topic = await filled()
    const kafka = client(broker.brokers, { connectionTimeout: 500, requestTimeout: 500, retry: { retries: 0 } })
    broker.freeze()
    await assert.rejects(endOffset(kafka, topic), /timed out|timeout/i)
    broker.thaw()
    assert.equal(await endOffset(client(broker.brokers), topic), '3')
  })

  test('says what it printed, and refuses a port that is taken', async () => {
    assert.match(broker.logTail(), /INFO/)
    await assert.rejects(startTestKafka({ port: broker.port }), /address already in use/)
  })
})

describe('one that cannot start', { skip }, () => {
  const WHY: [what: string, options: TestKafkaOptions, why: RegExp][] = [
    [
      'because of a setting',
      { settings: { 'log.retention.ms': 'for-ever' } },
      /java ended with 1: .*log\.retention\.ms/s,
    ],
    ['because of its memory', { heapMegabytes: 1 }, /ended at its start\n.*Too small maximum heap/s],
    ['because of its credentials', { secured: { ...CREDENTIALS, password: '"; x="' } }, /letters, digits/],
  ]
  for (const [what, options, why] of WHY) {
    test(`${what} says so, and leaves nothing behind`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'users-service-kafka-test-'))
      const former = process.env.TMPDIR
      process.env.TMPDIR = folder
      t.after(() => {
        if (former === undefined) delete process.env.TMPDIR
        else process.env.TMPDIR = former
        rmSync(folder, { recursive: true })
      })
      await assert.rejects(startTestKafka(options), why)
      assert.deepEqual(readdirSync(folder), [])
    })
  }
})

describe('a secured broker', { skip }, () => {
  let broker: KafkaBroker
  let ca: string
  before(async () => {
    broker = await startTestKafka({ secured: CREDENTIALS, settings: { 'num.partitions': '3' } })
    ca = readFileSync(broker.caFile ?? '', 'utf8')
  })
  // It is gone with its folder when it is stopped.
  after(async () => {
    const pid = broker.pid()
    const folder = dirname(broker.caFile ?? '')
    assert.equal(isAlive(pid) && existsSync(folder), true)
    await broker.stop()
    assert.equal(isAlive(pid), false)
    assert.equal(existsSync(folder), false)
  })
  const login = (password: string) =>
    ({ mechanism: 'scram-sha-512', username: CREDENTIALS.username, password }) as const
  const partitions = (kafka: ReturnType<typeof client>, topic: string) =>
    asAdmin(
      { kafka },
      async (admin) => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length,
    )

  test('lets in who knows the password and trusts its certificate; it heeds the settings', async () => {
    const kafka = client(broker.brokers, { ssl: { ca: [ca] }, sasl: login(CREDENTIALS.password) })
    const topic = `${freshTopics()}secret`
    await asAdmin({ kafka }, (admin) => admin.createTopics({ topics: [{ topic }] }))
    await produce(kafka, topic, ['a'])
    assert.equal(await partitions(kafka, topic), 3)
  })

  const REFUSED: [who: string, config: () => Partial<KafkaConfig>, how: RegExp][] = [
    [
      'a wrong password',
      () => ({ ssl: { ca: [ca] }, sasl: login('wrong-1') }),
      /SASL SCRAM SHA512 authentication failed/,
    ],
    ['no password', () => ({ ssl: { ca: [ca] } }), /^KafkaJSConnectionClosedError: Closed connection/],
    ['no TLS', () => ({ sasl: login(CREDENTIALS.password) }), /: Closed connection/],
    [
      'no trust in its certificate',
      () => ({ ssl: true, sasl: login(CREDENTIALS.password) }),
      /self-signed certificate/,
    ],
  ]
  for (const [who, config, how] of REFUSED) {
    test(`refuses ${who}`, async () => {
      const kafka = client(broker.brokers, { ...config(), retry: { retries: 0 } })
      await assert.rejects(
        asAdmin({ kafka }, (admin) => admin.listTopics()),
        how,
      )
    })
  }
})

describe('a command beside a broker', { skip }, () => {
  /** Runs a script of the shell, whose first line is to name the broker and then itself. */
  async function run(t: TestContext, script: string) {
    const program = [join(ROOT, 'scripts', 'with-kafka.ts'), '--export-brokers', '--', '/bin/sh', '-c', script]
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'ignore'], timeout: RUN_LIMIT_MS })
    t.after(() => child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    const [said] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])
    const [, port, pid] = /^127\.0\.0\.1:(\d+) (\d+)\n$/.exec(String(said)) ?? assert.fail(`it says ${said}`)
    return { child, ended, port: Number(port), pid: Number(pid) }
  }
  const FIRST = '[ "$TEST_KAFKA" = "$KAFKA_BROKERS" ] && echo "$TEST_KAFKA $$"'

  test('knows its address and has its own exit code, and no broker stays', async (t) => {
    const { ended, port } = await run(t, `${FIRST}; sleep 1; exit 7`)
    assert.equal(await answers(port, null), true)
    assert.deepEqual(await ended, [7, null])
    assert.equal(await answers(port, null), false)
  })

  test('is told a signal once, while the broker is still there', async (t) => {
    const waits = `n=0; trap 'n=$((n+1))' TERM; ${FIRST}; i=0; while [ $n = 0 ] && [ $((i+=1)) -lt 300 ]; do sleep 0.1; done; sleep 1; exit $((n+40))`
    const { child, ended, port } = await run(t, waits)
    child.kill('SIGTERM')
    await delay(SIGNAL_MS)
    assert.equal(await answers(port, null), true)
    assert.deepEqual(await ended, [41, null])
    assert.equal(await answers(port, null), false)
  })

  test('is gone, as the broker is, when what started both is killed', async (t) => {
    const { child, port, pid } = await run(t, `${FIRST}; sleep 30; exit 1`)
    assert.equal(isAlive(pid) && (await answers(port, null)), true)
    child.kill('SIGKILL')
    for (
      const deadline = Date.now() + GONE_LIMIT_MS;
      isAlive(pid) || (await answers(port, null));
      await delay(POLL_MS)
    ) {
      assert.ok(Date.now() < deadline, 'something is still there')
    }
  })
})

test('a shared broker is on this machine, and is not to be ended', async () => {
  for (const address of [
    'kafka.example.com:9092',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:9092,10.0.0.1:9092',
    '[::1]:1',
  ])
    assert.throws(() => sharedBroker(address), /TEST_KAFKA must be/)
  const shared = sharedBroker('127.0.0.1:9092')
  assert.equal(shared.port, 9092)
  for (const end of [shared.kill, shared.start]) await assert.rejects(end(), /is shared/)
  for (const hold of [shared.freeze, shared.thaw]) assert.throws(hold, /is shared/)
  await shared.stop()
})
