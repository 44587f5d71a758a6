import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { startTestRedis } from '../support/redis.ts'
import { quiet, until } from '../support/service.ts'
import { startProcess } from '../tracing/process.ts'
import { AGENTS } from '../tracing/told.ts'

const skip = kafkaMissing() ?? false
const READ_LIMIT_MS = 30_000
const TRACEPARENT = /^00-([\da-f]{32})-[\da-f]{16}-0[01]$/

for (const [agent, start] of Object.entries(AGENTS)) {
  test(`with ${agent} messages show the trace of what has published them, once, and whoever takes them in goes on with it`, {
    skip,
  }, async (t) => {
    const [{ brokers }, redis, collector] = await Promise.all([startTestKafka(), startTestRedis(), start(t)])
    t.after(redis.stop)
    const kafka: Record<string, string> = { ...kafkaEnvironment(brokers), EVENTS: 'on' }
    const environment = { REDIS_URL: redis.url, ...kafka, ...collector.environment }
    const process = await startProcess(t, ['all', '--seed-users', '10'], environment)
    const { send, ask } = await process.serving()
    const topics = [kafka.KAFKA_CHANGES_TOPIC ?? '', kafka.KAFKA_EVENTS_TOPIC ?? '']
    const messages = await listen(t, brokers, topics)
    // Before its collector has answered an agent records nothing.
    await until(
      'messages show a trace',
      async () => {
        assert.equal((await send('PUT', '/v1/users/1/preferences/theme', { value: `${Date.now()}` })).status, 200)
        return topics.every((topic) => messages.some((one) => one.topic === topic && one.traceparent.length > 0))
      },
      READ_LIMIT_MS,
    )
    await until('all is handled', async () => {
      const answer = await ask('/health/ready')
      return answer.status === 200
    })
    assert.equal((await process.stop()).code, 0)
    const shown = messages.filter(({ key, traceparent }) => key !== null && traceparent.length > 0)
    for (const { traceparent } of shown) {
      assert.equal(traceparent.length, 1)
      assert.match(traceparent[0] ?? '', TRACEPARENT)
    }
    const traces = (name: string) =>
      new Set(
        collector
          .told()
          .filter((one) => one.name === name)
          .map((one) => one.traceId),
      )
    const of = (topic: string) =>
      new Set(
        shown
          .filter((one) => one.topic === topic)
          .map(({ traceparent }) => TRACEPARENT.exec(traceparent[0] ?? '')?.[1]),
      )
    const [changes, events] = [of(topics[0] ?? ''), of(topics[1] ?? '')]
    assert.deepEqual(
      [...changes].filter((trace) => !traces('relay/changes').has(trace ?? '')),
      [],
    )
    assert.deepEqual(
      [...events].filter((trace) => !traces('relay/events').has(trace ?? '')),
      [],
    )
    const consumed = traces(`kafka/consume ${topics[0]}`)
    assert.ok(
      [...consumed].some((trace) => changes.has(trace)),
      `${[...consumed]} of ${[...changes]}`,
    )
  })
}

type Message = { topic: string; key: string | null; traceparent: string[] }
async function listen(t: { after(end: () => unknown): void }, brokers: string, topics: string[]): Promise<Message[]> {
  const { kafka } = await kafkaClient({ brokers: [brokers], tls: null, sasl: null }, quiet)
  const messages: Message[] = []
  const consumer = kafka.consumer({ groupId: `${topics[0]}-listener`, maxWaitTimeInMs: 100 })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, message: { key, headers = {} } }) => {
      const { traceparent = [] } = headers
      messages.push({ topic, key: key === null ? null : String(key), traceparent: [traceparent].flat().map(String) })
    },
  })
  return messages
}
