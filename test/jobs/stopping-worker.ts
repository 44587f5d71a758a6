import { jobQueues } from '../../src/adapters/bullmq/queues.ts'
import { jobsConnections } from '../../src/adapters/redis/jobs-connection.ts'
import { quiet, until } from '../support/service.ts'

// A process that works at one job of the queue whose Redis is named, says so, and stops when it is told to: by its input.
const queues = jobQueues({
  connections: jobsConnections(process.argv[2] ?? '', quiet),
  prefix: '{usrjobs}:stopping.1',
  log: quiet,
})
const queue = queues.queue<null, object, null>('rebuild', { attempts: 5, retryAfterMs: 10 })
const worker = queue.work(({ stop }) => {
  process.stdout.write('works\n')
  return new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason), { once: true }))
}, 1)
const isAdded = () =>
  queue.add('key', null).then(
    () => true,
    () => false,
  )
// A busy machine connects late.
await until('the job is added', isAdded)
process.stdin.once('data', async () => {
  await worker.stop()
  await queues.close()
  process.stdin.destroy()
})
