import { setTimeout as wait } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { JobQueue, JobState } from '../../ports/jobs.ts'
import type { Tracing } from '../../ports/tracing.ts'
import type { Log } from '../../ports.ts'
import { withTrace } from './traced-jobs.ts'
import { type Connection, progressOf, takeJobs } from './worker.ts'

export type QueuesOptions = {
  /** `asking` fails at once while Redis is away; `taking` waits for it. */
  connections: Record<'asking' | 'taking', () => Connection>
  /** Of all keys; with a hash tag, because the library's scripts touch many. */
  prefix: string
  tracing?: Tracing | null
  log: Log
}
export type QueueOptions = {
  /** A job that rejects is tried again this often in all, and so long after. */
  attempts: number
  retryAfterMs: number
}

/** A connection that is being made is waited for; one that is lost is not. */
const CONNECTING_WAIT_MS = 1_000
const CONNECTING_POLL_MS = 5
/** How long, and how many, jobs that are over are kept, for those who ask how they ended. */
const KEEP = { age: 3_600, count: 100 }
/** The library keeps a stream of events that nobody here reads. */
const KEPT_EVENTS = 10

export type JobQueues = {
  queue<Data, Progress, Result>(name: string, options: QueueOptions): JobQueue<Data, Progress, Result>
  /** Of the queues that were opened here. Rejects as their calls do. */
  counts(): Promise<Record<string, QueueCounts>>
  close(): Promise<void>
}

export type QueueCounts = { waiting: number; active: number; delayed: number; failed: number }

/** Job queues in Redis (BullMQ). All processes that use the same prefix share them. */
export function jobQueues({ connections, prefix, tracing = null, log }: QueuesOptions): JobQueues {
  const connection = connections.asking()
  const opened = new Map<string, Promise<Queue>>()
  const known = new Map<string, QueueOptions>()

  /** While Redis is away the library waits for it, for ever: so it is not even asked. */
  const open = async (name: string, { attempts, retryAfterMs }: QueueOptions): Promise<Queue> => {
    const deadline = performance.now() + CONNECTING_WAIT_MS
    while (connection.status.startsWith('connect') && performance.now() < deadline) await wait(CONNECTING_POLL_MS)
    if (connection.status !== 'ready') throw new Error('the Redis of the job queue is out of reach')
    const known = opened.get(name)
    if (known) return known
    const opening = import('bullmq').then(async ({ Queue }) => {
      const queue = new Queue(name, {
        connection,
        prefix,
        streams: { events: { maxLen: KEPT_EVENTS } },
        defaultJobOptions: {
          attempts,
          backoff: { type: 'fixed', delay: retryAfterMs },
          removeOnComplete: KEEP,
          removeOnFail: KEEP,
        },
      })
      // What a call rejects with is told to its caller; the connection's own state, by the connection.
      queue.on('error', () => undefined)
      await queue.waitUntilReady()
      return queue
    })
    opened.set(name, opening)
    opening.catch(() => opened.delete(name))
    return opening
  }

  return {
    queue: <Data, Progress, Result>(name: string, options: QueueOptions): JobQueue<Data, Progress, Result> => {
      known.set(name, options)
      return {
        async add(key, data) {
          const queue = await open(name, options)
          // Not the job's own id: that would be taken for as long as the finished job is kept.
          const { id } = await queue.add(name, withTrace(data, tracing), { deduplication: { id: key } })
          return String(id)
        },
        async find(id) {
          const queue = await open(name, options)
          // First the state: what a job ended with is there before it counts as ended.
          const state = await queue.getJobState(id)
          const job = await queue.getJob(id)
          return job ? stateOf(state, job) : null
        },
        work: (handle, concurrency) =>
          takeJobs({ connect: connections.taking, prefix, name, tracing, log }, handle, {
            concurrency,
            keep: async (id, progress) => (await open(name, options)).updateJobProgress(id, progress),
          }),
      }
    },
    async counts() {
      const all = [...known].map(async ([name, options]) => [name, await countsOf(await open(name, options))] as const)
      return Object.fromEntries(await Promise.all(all))
    },
    async close() {
      connection.disconnect()
      // Whatever is still being opened fails by that.
      await Promise.allSettled(opened.values())
    },
  }
}

async function countsOf(queue: Queue): Promise<QueueCounts> {
  const {
    waiting = 0,
    active = 0,
    delayed = 0,
    failed = 0,
  } = await queue.getJobCounts(...(['waiting', 'active', 'delayed', 'failed'] as const))
  return { waiting, active, delayed, failed }
}

type Found = { progress: unknown; returnvalue: unknown; failedReason: string }

function stateOf<Progress, Result>(state: string, job: Found): JobState<Progress, Result> {
  if (state === 'completed') return { state: 'done', result: job.returnvalue as Result }
  if (state === 'failed') return { state: 'failed', reason: job.failedReason }
  return { state: state === 'active' ? 'running' : 'waiting', progress: progressOf<Progress>(job.progress) }
}
