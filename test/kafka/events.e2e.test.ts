import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { kafkaClient } from '../../src/adapters/kafka/client.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { quiet, startService, until } from '../support/service.ts'

const skip = kafkaMissing() ?? false
const READ_LIMIT_MS = 20_000

type Event = { id: string; type: string; subject: string; sequence: string; data: Record<string, unknown> }

/** All that is in the topic from now on, in the order of its partitions. */
async function listen(t: TestContext, brokers: string, topic: string) {
  const { kafka } = await kafkaClient({ brokers: [brokers], tls: null, sasl: null }, quiet)
  const events: (Event & { key: string; contentType: string; text: string })[] = []
  const consumer = kafka.consumer({ groupId: `${topic}-listener`, maxWaitTimeInMs: 100 })
  t.after(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers } }) => {
      const text = String(value)
      const contentType = String(headers?.['content-type'])
      events.push({ ...(JSON.parse(text) as Event), key: String(key), contentType, text })
    },
  })
  return events
}

test('what commands do is published, in their order for each user, without anything of a person', {
  skip,
}, async (t) => {
  const { brokers } = await startTestKafka()
  const environment: Record<string, string> = { ...kafkaEnvironment(brokers), EVENTS: 'on', FEED: 'direct' }
  const service = await startService({ environment })
  t.after(service.close)
  await service.startWorker(['relay'])
  const events = await listen(t, brokers, environment.KAFKA_EVENTS_TOPIC ?? '')
  const { app } = service
  const body = { username: 'ann.secret', givenName: 'Annabel', familyName: 'Secretary', email: 'ann@example.com' }
  const registered = await app.inject({ method: 'POST', url: '/v1/users', payload: body })
  assert.equal(registered.statusCode, 201)
  const { userId } = registered.json()
  const role = { title: 'Till', privileged: false, permissions: [] }
  const calls = [
    ['PUT', '/v1/roles/till', role],
    ['PATCH', `/v1/users/${userId}`, { phone: '+1 212 555 0199', jobTitle: 'Treasurer' }],
    ['PUT', `/v1/users/${userId}/branches/B7`, {}],
    ['PUT', `/v1/users/${userId}/roles/till`, undefined],
    ['PUT', `/v1/users/${userId}/preferences/motto`, { value: 'Carpe diem' }],
    ['POST', `/v1/users/${userId}/suspend`, undefined],
  ] as const
  for (const [method, url, payload] of calls) {
    const answer = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) })
    assert.equal(answer.statusCode, 200, `${method} ${url}: ${answer.body}`)
  }
  await until('all is published', async () => events.length >= 1 + calls.length, READ_LIMIT_MS)
  const ofUser = events.filter(({ key }) => key === String(userId))
  assert.deepEqual(
    ofUser.map(({ type }) => type),
    ['user-registered', 'details-changed', 'branch-assigned', 'role-granted', 'preference-set', 'user-suspended'].map(
      (name) => `users-service.${name}.v1`,
    ),
  )
  assert.deepEqual(
    ofUser.map(({ sequence }) => sequence),
    ofUser.map(({ sequence }) => sequence).toSorted(),
  )
  assert.deepEqual(ofUser[1]?.data.changed, ['phone', 'jobTitle'])
  assert.equal(events.find(({ key }) => key === 'role:till')?.subject, 'roles/till')
  assert.ok(events.every(({ contentType }) => contentType === 'application/cloudevents+json; charset=utf-8'))
  for (const secret of ['ann.secret', 'Annabel', 'Secretary', 'example.com', '0199', 'Treasurer', 'Carpe', '127.0.0.1'])
    assert.ok(!events.some(({ text }) => text.includes(secret)), secret)
  assert.deepEqual(await service.query('SELECT * FROM pending_events'), [])
})

test('without EVENTS nothing is noted, so nothing piles up', { skip }, async (t) => {
  const service = await startService({ worker: false })
  t.after(service.close)
  const payload = { username: 'bob', givenName: 'Bob', familyName: 'Lee' }
  assert.equal((await service.app.inject({ method: 'POST', url: '/v1/users', payload })).statusCode, 201)
  assert.deepEqual(await service.query('SELECT * FROM pending_events'), [])
})
