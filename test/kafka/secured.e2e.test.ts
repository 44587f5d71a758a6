import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import type { KafkaBroker } from '../../scripts/kafka-broker.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { startTestRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { openPlace, startProcess } from './rig.ts'

const skip = kafkaMissing() ?? false
const CREDENTIALS = { username: 'service', password: 'right-1-and-secret' }
const WRONG = 'wrong-1-and-secret'
const WORKS_LIMIT_MS = 40_000

describe('a broker with TLS and passwords', { skip, concurrency: 4 }, () => {
  let broker: KafkaBroker
  let redis: TestRedis
  before(async () => {
    ;[broker, redis] = await Promise.all([startTestKafka({ secured: CREDENTIALS }), startTestRedis()])
  })
  after(async () => {
    await broker?.stop()
    await redis?.stop()
  })

  const emptied = (count: (from: string) => number) =>
    until('the outbox is empty', async () => count('entity_changes') === 0, WORKS_LIMIT_MS)

  /** A place of two users, and the settings with which workers find it, and get into the broker. */
  async function prepare(t: TestContext) {
    const place = await openPlace(t, 2)
    const passwordFile = (password: string) => {
      const file = join(place.dir, `password-${password.slice(0, 5)}`)
      writeFileSync(file, `${password}\n`)
      return file
    }
    const environment = {
      ...kafkaEnvironment(broker.brokers),
      DATA_DIR: place.dir,
      REDIS_URL: redis.url,
      LOG_LEVEL: 'debug',
      KAFKA_TLS: 'on',
      KAFKA_CA_FILE: broker.caFile ?? '',
      KAFKA_SASL: 'scram-sha-512',
      KAFKA_USERNAME: CREDENTIALS.username,
      KAFKA_PASSWORD_FILE: passwordFile(CREDENTIALS.password),
    }
    const raw = new Redis(redis.url, { protocol: 2 })
    t.after(() => raw.disconnect())
    const key = readModelKeys(place.epoch).user(1)
    const retitle = (title: string) => place.sql('UPDATE users SET job_title = ? WHERE user_id = 1', title)
    const projected = (title: string) =>
      until(
        'it is projected',
        async () =>
          Object.values(await raw.hgetall(key))
            .join()
            .includes(`"jobTitle":"${title}"`),
        WORKS_LIMIT_MS,
      )
    const work = (differing: Record<string, string> = {}) =>
      ['relay', 'project'].map((role) => startProcess(t, ['work', role], { ...environment, ...differing }))
    return { ...place, passwordFile, retitle, projected, work }
  }

  test('carries what an older program writes', async (t) => {
    const { retitle, projected, work, count } = await prepare(t)
    const workers = work()
    await Promise.all(workers.map(({ says }) => says('"working"')))
    await emptied(count)
    retitle('Over TLS')
    await projected('Over TLS')
    await emptied(count)
    for (const worker of workers) worker.kill('SIGTERM')
    for (const worker of workers) {
      const { code, out, err } = await worker.ended()
      assert.deepEqual([code, err], [0, ''])
      assert.doesNotMatch(out, /-and-secret/)
    }
  })

  const REFUSED: [what: string, differing: (passwordFile: (password: string) => string) => Record<string, string>][] = [
    ['a wrong password', (passwordFile) => ({ KAFKA_PASSWORD_FILE: passwordFile(WRONG) })],
    ['no trust in its certificate', () => ({ KAFKA_CA_FILE: '' })],
    ['no TLS', () => ({ KAFKA_TLS: 'off' })],
  ]
  for (const [what, differing] of REFUSED) {
    test(`with ${what} workers wait and say so, without the password, and changes stay in the outbox`, async (t) => {
      const { retitle, projected, work, passwordFile, count } = await prepare(t)
      const refused = work(differing(passwordFile))
      await Promise.all(refused.map(({ says }) => says('"working"', WORKS_LIMIT_MS)))
      retitle('Kept')
      const waiting = count('entity_changes')
      assert.ok(waiting > 0)
      await Promise.all([refused[0]?.says(/the relay waits/), refused[1]?.says(/the consumer of changes has ended/)])
      for (const { said } of refused) assert.match(said.out, /the topics cannot be checked yet/)
      assert.equal(count('entity_changes'), waiting)
      for (const { said, isOver } of refused) {
        assert.equal(isOver(), false, said.err)
        assert.doesNotMatch(said.out + said.err, /-and-secret/)
        assert.equal(said.err, '')
      }
      for (const worker of refused) worker.kill('SIGTERM')
      for (const worker of refused) assert.equal((await worker.ended()).code, 0)
      if (what !== 'a wrong password') return
      // Those that get in carry what was kept.
      work()
      await projected('Kept')
      await emptied(count)
    })
  }
})
