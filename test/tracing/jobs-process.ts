import { inEnvironment, readConfig } from '../../src/config.ts'
import { startTracing } from '../../src/wiring-tracing.ts'

// A job that is asked for in one piece of work and done in another, in a process of its own: an agent comes before all else.
const config = readConfig()
const tracing = await startTracing(config.tracing, inEnvironment)
if (tracing === null) throw new Error('nothing is set')
const { jobQueues } = await import('../../src/adapters/bullmq/queues.ts')
const { jobsConnections } = await import('../../src/adapters/redis/jobs-connection.ts')
const { quiet, until } = await import('../support/service.ts')

const connections = jobsConnections(config.redis.url ?? '', quiet)
const queues = jobQueues({ connections, prefix: '{test}', tracing, log: quiet })
const queue = queues.queue<{ n: number }, null, number>('sum', { attempts: 1, retryAfterMs: 1 })
let given: unknown
const worker = queue.work(async ({ data }) => {
  given = data
  if (data.n === 0) throw new TypeError('a marked message')
  return data.n + 1
}, 1)
const { background } = tracing
/** Only what is recorded is told: an agent may not have been answered yet. */
await until('the agent records', () => background({ group: 'test', name: 'start' }, async () => tracing.isTracing()))
const id = await background({ group: 'test', name: 'asks' }, () => queue.add('one', { n: 1 }))
await until('it is done', async () => (await queue.find(id))?.state === 'done')
process.stdout.write(`given ${JSON.stringify(given)}\n`)
const failing = await background({ group: 'test', name: 'asks in vain' }, () => queue.add('two', { n: 0 }))
await until('it has failed', async () => (await queue.find(failing))?.state === 'failed')
await worker.stop()
await queues.close()
await tracing.stop()
process.exit()
