import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { type KafkaBroker, startKafkaBroker } from '../kafka-broker.ts'
import { formatOnce, keepWarm } from './java.ts'
import { keepProcess } from './kept-process.ts'
import { dataFolder, writeSettings } from './settings.ts'

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const { Kafka, logLevel } = await import('kafkajs')

/** Some ten seconds: a Java that leaves its classes goes through all of them. */
const LEAVE_LIMIT_MS = 120_000
const READ_LIMIT_MS = 30_000
const TOPIC = 'topic'

/** TLS and passwords take classes of their own; the talk with the controller, in the same process, goes without. */
const CREDENTIALS = { username: TOPIC, password: TOPIC }

/** Makes the folder that setup-kafka.mjs asks for. */
async function warmUp(folder: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'users-service-warm-up-'))
  const tools = keepProcess(dir)
  try {
    const classes = join(dir, 'classes')
    const [port, controllerPort] = [await freePort(), await freePort()]
    writeSettings({ dir, port, controllerPort, secured: null, settings: {} })
    await formatOnce(dir, { credentials: null, isFleeting: false }, tools.take)
    const broker = await startKafkaBroker({ dir: join(dir, 'secured'), secured: CREDENTIALS, archive: classes })
    try {
      await use(broker)
      await leave(broker)
    } finally {
      await broker.stop()
    }
    await keepWarm({ classes, data: dataFolder(dir), folder }, tools.take)
  } finally {
    await tools.leave()
  }
}

/** What the service does with a broker, so that the classes for it are among those that are kept. */
async function use({ brokers, caFile }: KafkaBroker): Promise<void> {
  const kafka = new Kafka({
    brokers: [brokers],
    logLevel: logLevel.NOTHING,
    ssl: { ca: readFileSync(caFile ?? '', 'utf8') },
    sasl: { mechanism: 'scram-sha-512', ...CREDENTIALS },
  })
  const [admin, consumer] = [kafka.admin(), kafka.consumer({ groupId: TOPIC, maxWaitTimeInMs: 100 })]
  const producer = kafka.producer({ transactionalId: TOPIC, idempotent: true, maxInFlightRequests: 1 })
  try {
    await Promise.all([admin.connect(), consumer.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic: TOPIC }] })
    const transaction = await producer.transaction()
    await transaction.send({ topic: TOPIC, messages: [{ key: 'key', value: 'value' }] })
    await transaction.commit()
    const read = Promise.withResolvers<void>()
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
    await consumer.run({ eachMessage: async () => read.resolve() })
    await Promise.race([read.promise, delay(READ_LIMIT_MS, undefined, { ref: false })])
    await consumer.stop()
    await admin.fetchOffsets({ groupId: TOPIC, topics: [TOPIC] })
    await admin.describeGroups([TOPIC])
  } finally {
    await Promise.all([admin, consumer, producer].map((client) => client.disconnect()))
  }
}

/** Told to end, it writes its classes down; one that is killed would leave a part of them. */
async function leave(broker: KafkaBroker): Promise<void> {
  process.kill(broker.pid(), 'SIGTERM')
  const late = delay(LEAVE_LIMIT_MS, 'late', { ref: false })
  if ((await Promise.race([broker.ended(), late])) === 'late') throw new Error('The broker does not leave its classes')
}

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node scripts/kafka/warm-up.ts folder')
await warmUp(folder)
