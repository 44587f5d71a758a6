import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startTestRedis } from '../support/redis.ts'
import { explore } from './explore.ts'
import type { PlantedFault } from './faults/fault.ts'
import { FAULTS } from './faults/index.ts'
import { plant } from './planting.ts'
import { simulator } from './simulate.ts'

/** `node test/simulation/run.ts --schedules 20000`: as long as it takes, by one seed or as chance has it. */
const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    /** Goes at once to what was found so, and shows how it came about. */
    path: { type: 'string' },
    /** Plants each fault whose name has this in it, and looks for a seed that finds it soon. */
    fault: { type: 'string' },
  },
})
/** A seed that needs more than these is no good for a test. */
const SCHEDULES_A_SEED = 120

const server = await startTestRedis()
const redis = new Redis(server.url, { protocol: 2 })
const seed = Number(values.seed)
const limits = { schedules: Number(values.schedules), limitMs: Number(values.seconds) * 1_000 }
try {
  if (values.fault === undefined) await search()
  for (const fault of values.fault === undefined ? [] : FAULTS) {
    if (fault.name.includes(values.fault ?? '')) await findSeed(fault)
  }
} finally {
  redis.disconnect()
  await server.stop()
}

async function search(): Promise<void> {
  const path = values.path === undefined ? {} : { path: values.path }
  const { schedules, tasks, seconds, failure } = await explore(simulator(redis), {
    ...limits,
    ...path,
    seed,
    shrink: true,
  })
  const rate = Math.round(schedules / seconds)
  console.log(`${schedules} schedules, seed ${seed}, ${rate} a second, ${Math.round(tasks / schedules)} tasks each`)
  if (!failure) return
  console.log(failure.report)
  process.exitCode = 1
}

async function findSeed(fault: PlantedFault): Promise<void> {
  const { name, violates, given } = fault
  const simulate = simulator(redis, await plant(fault))
  const begunAt = performance.now()
  let tried = 0
  for (let at = seed; tried < limits.schedules && performance.now() - begunAt < limits.limitMs; at += 1) {
    const options = { ...limits, schedules: SCHEDULES_A_SEED, seed: at, shrink: false, given }
    const { schedules, failure } = await explore(simulate, options)
    tried += schedules
    if (!failure) continue
    const expected = violates.includes(failure.invariant) ? '' : `, and not ${violates}`
    console.log(`${name}: seed ${at}, after ${schedules}: ${failure.invariant}${expected}`)
    return
  }
  console.log(`${name}: not found in ${tried} schedules`)
  process.exitCode = 1
}
