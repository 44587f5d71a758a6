import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'
import type { KafkaConfig } from './config-feed.ts'

const BROKERS = { KAFKA_BROKERS: 'a:9092,b.example:9093' }
const read = (environment: Record<string, string>) => {
  const { kafka } = readConfig({ ...BROKERS, ...environment })
  if (kafka === null) throw new Error('no broker is named')
  return kafka
}

describe('the settings of Kafka', () => {
  test('without KAFKA_BROKERS there are none, whatever else is set', () => {
    assert.equal(readConfig({ FEED: 'kafka', EVENTS: 'on', KAFKA_GROUP: 'g', KAFKA_SASL: 'plain' }).kafka, null)
  })

  test('brokers are all that is needed', () => {
    assert.deepEqual(read({}), {
      brokers: ['a:9092', 'b.example:9093'],
      tls: null,
      sasl: null,
      topics: { changes: 'users.changes', parked: 'users.changes.parked', events: 'users.events' },
      group: 'users-service',
      createTopics: false,
      partitions: 6,
      replication: 3,
      sessionTimeoutMs: 15_000,
      rebalanceTimeoutMs: 30_000,
    })
  })

  const OWN: [name: string, value: string, change: Partial<KafkaConfig>][] = [
    ['KAFKA_TLS', 'on', { tls: { ca: null } }],
    ['KAFKA_CHANGES_TOPIC', 'c', { topics: { changes: 'c', parked: 'c.parked', events: 'users.events' } }],
    ['KAFKA_EVENTS_TOPIC', 'e', { topics: { changes: 'users.changes', parked: 'users.changes.parked', events: 'e' } }],
    ['KAFKA_GROUP', 'g', { group: 'g' }],
    ['KAFKA_CREATE_TOPICS', 'on', { createTopics: true }],
    ['KAFKA_PARTITIONS', '7', { partitions: 7 }],
    ['KAFKA_REPLICATION', '2', { replication: 2 }],
    ['KAFKA_SESSION_TIMEOUT_MS', '7000', { sessionTimeoutMs: 7_000 }],
    ['KAFKA_REBALANCE_TIMEOUT_MS', '7000', { rebalanceTimeoutMs: 7_000 }],
  ]
  for (const [name, value, change] of OWN) {
    test(`${name} sets its own setting, and no other`, () => {
      assert.deepEqual(read({ [name]: value }), { ...read({}), ...change })
    })
  }

  test('who we are, with the password out of a file, which goes before the other, without the end of its line', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'users-service-config-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'password')
    await writeFile(file, 's3cret \n')
    const user = { KAFKA_SASL: 'scram-sha-512', KAFKA_USERNAME: 'us' }
    assert.deepEqual(read({ ...user, KAFKA_PASSWORD: 'other', KAFKA_PASSWORD_FILE: file }).sasl, {
      mechanism: 'scram-sha-512',
      username: 'us',
      password: 's3cret ',
    })
    assert.equal(read({ ...user, KAFKA_PASSWORD: 'other' }).sasl?.password, 'other')
  })

  test('the certificates that are trusted come out of a file', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'users-service-config-'))
    t.after(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'ca.pem'), 'PEM')
    assert.deepEqual(read({ KAFKA_TLS: 'on', KAFKA_CA_FILE: join(folder, 'ca.pem') }).tls, { ca: 'PEM' })
  })

  const WRONG: [what: string, environment: Record<string, string>, why: RegExp][] = [
    ['brokers that are none', { KAFKA_BROKERS: 'a' }, /^Wrong settings\. KAFKA_BROKERS: host:port,host:port$/],
    ['a way that is none', { FEED: 'x' }, /FEED: /],
    ['a topic that no broker takes', { KAFKA_CHANGES_TOPIC: 'a b' }, /KAFKA_CHANGES_TOPIC: letters, digits/],
    ['a file that is not there', { KAFKA_TLS: 'on', KAFKA_CA_FILE: '/nowhere' }, /^KAFKA_CA_FILE: a file that can be/],
    [
      'a password without TLS that anybody may read',
      { KAFKA_SASL: 'plain' },
      /^KAFKA_SASL: `plain` only with KAFKA_TLS/,
    ],
    [
      'nobody’s name',
      { KAFKA_SASL: 'scram-sha-256', KAFKA_PASSWORD: 's3cret' },
      /^KAFKA_USERNAME, KAFKA_PASSWORD_FILE/,
    ],
    ['no password', { KAFKA_SASL: 'scram-sha-256', KAFKA_USERNAME: 'us' }, /^KAFKA_USERNAME, KAFKA_PASSWORD_FILE/],
    [
      'a field that nobody has',
      { EVENTS_PERSONAL_FIELDS: 'email,shoeSize' },
      /EVENTS_PERSONAL_FIELDS: some of username/,
    ],
  ]
  for (const [what, environment, why] of WRONG) {
    test(`refuses ${what}, and says no value`, () => {
      assert.throws(
        () => readConfig({ ...BROKERS, ...environment }),
        (error) =>
          error instanceof ConfigError && why.test(error.message) && !/s3cret|nowhere|shoe/.test(error.message),
      )
    })
  }
})

test('events carry of a person what the setting names', () => {
  assert.deepEqual(readConfig({ EVENTS: 'on', EVENTS_PERSONAL_FIELDS: 'email, phone' }).events, {
    personalFields: ['email', 'phone'],
  })
  assert.equal(readConfig({ EVENTS_PERSONAL_FIELDS: 'email' }).events, null)
})
