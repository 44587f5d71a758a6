import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { startTestRedis, type TestRedis } from '../support/redis.ts'
import { explore } from './explore.ts'
import { FAULTS } from './faults/index.ts'
import { plant } from './planting.ts'
import { simulator } from './simulate.ts'

/** Many more are run by `make simulate`. */
const SEED = 20_261_126
const SCHEDULES = 500
/** A fault's seed finds it within some hundred; a change of the code makes other schedules of it, and some more. */
const MAX_SCHEDULES = 3_000
const LIMIT_MS = 60_000

let server: TestRedis
let redis: Redis
before(async () => {
  server = await startTestRedis()
  redis = new Redis(server.url, { protocol: 2 })
})
after(async () => {
  redis.disconnect()
  await server.stop()
})

test(`no schedule shows anything that must not be (seed ${SEED})`, async () => {
  const { schedules, failure } = await explore(simulator(redis), {
    seed: SEED,
    schedules: SCHEDULES,
    limitMs: LIMIT_MS,
    shrink: true,
  })
  assert.equal(failure?.report, undefined)
  assert.ok(schedules > SCHEDULES / 2, `only ${schedules} schedules in ${LIMIT_MS} ms`)
})

for (const fault of FAULTS) {
  test(`it would be seen if ${fault.name} (seed ${fault.seed})`, async (t) => {
    const { schedules, failure } = await explore(simulator(redis, await plant(fault)), {
      seed: fault.seed,
      schedules: MAX_SCHEDULES,
      limitMs: LIMIT_MS,
      shrink: false,
      given: fault.given,
    })
    assert.ok(failure, `nothing seen in ${schedules} schedules: \`make simulate\` finds another seed`)
    assert.ok(fault.violates.includes(failure.invariant), failure.report)
    t.diagnostic(`after ${schedules} schedules`)
  })
}
