import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startTestRedis } from '../support/redis.ts'
import { explore } from './explore.ts'
import { FAULTS } from './faults.ts'
import { plant } from './planting.ts'
import { simulator } from './simulate.ts'

/** `node test/simulation/run.ts --schedules 20000`: as long as it takes, by one seed or as chance has it. */
const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    path: { type: 'string' },
    /** Ends with the first that is found, as it is. */
    quick: { type: 'boolean', default: false },
    /** Plants each fault whose name has this in it. */
    fault: { type: 'string' },
  },
})

const server = await startTestRedis()
const redis = new Redis(server.url, { protocol: 2 })
const options = {
  seed: Number(values.seed),
  schedules: Number(values.schedules),
  limitMs: Number(values.seconds) * 1_000,
  shrink: !values.quick,
  ...(values.path === undefined ? {} : { path: values.path }),
}
try {
  if (values.fault === undefined) {
    const { schedules, tasks, seconds, failure } = await explore(simulator(redis), options)
    const rate = Math.round(schedules / seconds)
    console.log(
      `${schedules} schedules, seed ${values.seed}, ${rate} a second, ${Math.round(tasks / schedules)} tasks each`,
    )
    if (failure) {
      console.log(failure.report)
      process.exitCode = 1
    }
  } else {
    for (const fault of FAULTS.filter(({ name }) => name.includes(values.fault ?? ''))) {
      const { schedules, seconds, failure } = await explore(simulator(redis, await plant(fault)), options)
      const what = failure ? `${failure.invariant} after ${schedules}` : `NOTHING in ${schedules}`
      console.log(`${fault.name}: ${what} (${fault.violates}), ${seconds.toFixed(1)} s`)
      if (values.path !== undefined || values.fault === fault.name) console.log(failure?.report)
    }
  }
} finally {
  redis.disconnect()
  await server.stop()
}
