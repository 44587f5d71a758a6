import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from 'bullmq'
import type { Job, JobWorker } from '../../ports/jobs.ts'
import type { Tracing } from '../../ports/tracing.ts'
import type { Log } from '../../ports.ts'
import { tracedJobs } from './traced-jobs.ts'

/** One of ioredis; this is all of it that is used here. */
export type Connection = { status: string; disconnect(): void; duplicate(...options: never[]): Connection }

/**
 * A worker that dies leaves its job locked for up to LOCK_MS; then whoever looks next, after at most LOOK_MS, takes it.
 * Far longer than an event loop here is ever blocked, lest two work on one job (which does no harm, but costs).
 */
const LOCK_MS = 10_000
const LOOK_MS = 3_000
/** Workers may be killed as often as an operator likes: the library's own limit is one. */
const MAX_DEATHS = 10_000
/** How long an ending may wait for Redis: to give a job back is a courtesy, its lock ends anyhow. */
const STOP_LIMIT_MS = 3_000
/**
 * What was told to stop has so long; then its job is given back, whatever it waits for: the library would wait for it for ever,
 * and renew the lock meanwhile.
 */
const HANDLER_LIMIT_MS = 1_500

type Source = { connect: () => Connection; prefix: string; name: string; tracing: Tracing | null; log: Log }
type Options = { concurrency: number; keep(id: string, progress: object): Promise<void> }

/** Takes jobs of one queue, until it is stopped. */
export function takeJobs<Data, Progress, Result>(
  { connect, prefix, name, tracing, log }: Source,
  handle: (job: Job<Data, Progress>) => Promise<Result>,
  { concurrency, keep }: Options,
): JobWorker {
  const stopping = new AbortController()
  const { run, dataOf } = tracedJobs(tracing, name)
  const connection = connect()
  const connections = withDuplicates(connection)
  const opening = import('bullmq').then(({ Worker: QueueWorker, WaitingError }) => {
    const worker: Worker = new QueueWorker(
      name,
      async (job, token) => {
        const id = String(job.id)
        try {
          const working = run(job.data, stopping.signal, () =>
            handle({
              data: dataOf<Data>(job.data),
              progress: progressOf<Progress>(job.progress),
              keep: (progress) => keep(id, progress as object).catch((error) => tellUnkept(log, name, error)),
              stop: stopping.signal,
            }),
          )
          return await unlessStopped(stopping.signal, working)
        } catch (error) {
          if (!stopping.signal.aborted) {
            log.warn(
              { job: name, reason: String(error) },
              'a job was broken off; it will be tried again, within limits',
            )
            throw error
          }
          await job.moveToWait(token)
          throw new WaitingError()
        }
      },
      {
        connection,
        prefix,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: LOOK_MS,
        maxStalledCount: MAX_DEATHS,
      },
    )
    worker.on('error', (error) => log.debug({ job: name, reason: String(error) }, 'the job queue failed'))
    return worker
  })
  return {
    async stop() {
      stopping.abort()
      // While Redis is away an orderly end would wait for it for ever.
      const closing = opening.then((worker) => worker.close(connection.status !== 'ready'))
      await Promise.race([closing, wait(STOP_LIMIT_MS, undefined, { ref: false })])
      connections.end()
      opening.then(endTimers).catch(() => undefined)
    },
  }
}

/**
 * The library's own end may wait for ever for an answer of a Redis that is gone, and until then it goes on renewing locks and looking
 * for lost jobs, by timers that keep the process alive. What renews locks is private to its Worker; there is no other way to it.
 */
async function endTimers(worker: Worker): Promise<void> {
  const { lockManager } = worker as unknown as { lockManager: { close(): Promise<void> } }
  await lockManager.close()
  await worker.pause(true)
}

/** As `working`; but rejects when it has not ended within HANDLER_LIMIT_MS of being told to stop. */
async function unlessStopped<Result>(stop: AbortSignal, working: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>()
  let limit: NodeJS.Timeout | undefined
  const onStop = () => {
    limit = setTimeout(() => late.reject(stop.reason), HANDLER_LIMIT_MS)
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  try {
    return await Promise.race([working, late.promise])
  } finally {
    stop.removeEventListener('abort', onStop)
    clearTimeout(limit)
  }
}

/**
 * This connection and, as they come to be, those that the library makes from it, and does not end without Redis. `end` ends also
 * those that come later: who stops does not wait for ever for a library that is still being loaded.
 */
function withDuplicates(connection: Connection): { end(): void } {
  const all = [connection]
  let isEnded = false
  const duplicate = connection.duplicate.bind(connection)
  connection.duplicate = (...options) => {
    const other = duplicate(...options)
    all.push(other)
    if (isEnded) other.disconnect()
    return other
  }
  return {
    end() {
      isEnded = true
      for (const one of all) one.disconnect()
    },
  }
}

function tellUnkept(log: Log, name: string, error: unknown): void {
  log.debug({ job: name, reason: String(error) }, 'how far a job is could not be kept')
}

/** The library's own beginning is 0. */
export function progressOf<Progress>(stored: unknown): Progress | null {
  return typeof stored === 'object' ? (stored as Progress | null) : null
}
