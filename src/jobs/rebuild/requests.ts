import { createHash } from 'node:crypto'
import { jobRequest } from '../../ports/job-requests.ts'
import type { JobQueue } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import type { Partition } from '../../projections/keys.ts'
import { dataFor, type RebuildData, type RebuildJob, type RebuildProgress, type RebuildResult } from './rebuild.ts'

export type RebuildQueue = JobQueue<RebuildData, RebuildProgress, RebuildResult>
type Deps = {
  queue: Pick<RebuildQueue, 'add' | 'find'>
  redis: Pick<ReadModelRedis, 'incarnation'>
  rebuild(job: RebuildJob): Promise<RebuildResult>
  stop: AbortSignal
  log: Log
}

/**
 * Sees to it that partitions get built, however often it is asked and by how many workers: for each set of incarnations
 * there is one job. Without the job queue it is done here.
 */
export function rebuildRequests({ queue, redis, rebuild, stop, log }: Deps) {
  const says = {
    here: 'builds the read models without the job queue',
    brokenOff: 'the build was broken off; it begins again',
  }
  const requestFor = (key: string) => jobRequest(key, { queue, handle: rebuild, stop, log, says })
  let request: ReturnType<typeof requestFor> | null = null

  return {
    /** Answers how far the build is, as soon as it has begun. Call it again and again until all is built. */
    async ask(partitions: Partition[]): Promise<RebuildProgress | null> {
      const here = request?.here()
      if (here) return here.progress
      const data = dataFor(partitions, redis)
      // Not yet prepared: the next look will have done so.
      if (data === null) return null
      const key = rebuildKey(data)
      if (request?.key !== key) request = requestFor(key)
      const state = await request.ask(data)
      if (state.state !== 'done') return state.progress
      // Whoever asks has seen that it is not built: it is to be done once more.
      request = requestFor(key)
      await request.ask(data)
      return null
    },
  }
}

/** There is one job a key. */
export function rebuildKey(data: RebuildData): string {
  return createHash('sha1').update(JSON.stringify(data)).digest('hex')
}
