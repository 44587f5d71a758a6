import { parentPort, workerData } from 'node:worker_threads'
import { Redis } from 'ioredis'
import { explore, type Found, type Options } from './explore.ts'
import { FAULTS } from './faults/index.ts'
import { plant } from './planting.ts'
import { simulator } from './simulate.ts'

/** `fault`: the name of one that is planted. */
export type Search = Options & { fault?: string }
export type Told = { found: Found } | { error: string }

/**
 * Explores in a thread of its own. Where tests run, Node's runner follows each promise from its beginning to its end
 * (node:async_hooks), which for schedules costs as much again as they do themselves.
 */
const redis = new Redis((workerData as { url: string }).url, { protocol: 2 })
parentPort?.on('message', async (search: Search) => parentPort?.postMessage(await told(search)))

async function told({ fault, ...options }: Search): Promise<Told> {
  try {
    const planted = FAULTS.find(({ name }) => name === fault)
    return { found: await explore(simulator(redis, planted && (await plant(planted))), options) }
  } catch (error) {
    return { error: String(error) }
  }
}
