import { createHash } from 'node:crypto'
import type { JobQueue } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import type { Partition } from '../../projections/keys.ts'
import {
  dataFor,
  type RebuildData,
  type RebuildJob,
  type RebuildProgress,
  type RebuildResult,
  unqueued,
} from './rebuild.ts'

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
 * there is one job, which any worker takes. Without the job queue it is done here: the read models must not depend on
 * another Redis than their own.
 */
export function rebuildRequests({ queue, redis, rebuild, stop, log }: Deps) {
  let requested: { key: string; id: string } | null = null
  let here: { progress: RebuildProgress | null } | null = null

  const buildHere = (data: RebuildData, why: string) => {
    const build: NonNullable<typeof here> = { progress: null }
    here = build
    log.warn({ reason: why }, 'builds the read models without the job queue')
    const onProgress = (progress: RebuildProgress) => {
      build.progress = progress
    }
    rebuild(unqueued(data, { onProgress, stop }))
      .catch((error) => log.warn({ reason: String(error) }, 'the build was broken off; it begins again'))
      .finally(() => {
        here = null
      })
  }

  return {
    /** Answers how far the build is, as soon as it has begun. Call it again and again until all is built. */
    async ask(partitions: Partition[]): Promise<RebuildProgress | null> {
      if (here) return here.progress
      const data = dataFor(partitions, redis)
      // Not yet prepared: the next look will have done so.
      if (data === null) return null
      const key = rebuildKey(data)
      try {
        const state = requested?.key === key ? await queue.find(requested.id) : null
        if (state?.state === 'waiting' || state?.state === 'running') return state.progress
        requested = { key, id: await queue.add(key, data) }
      } catch (error) {
        buildHere(data, String(error))
      }
      return null
    },
  }
}

/** There is one job a key. */
export function rebuildKey(data: RebuildData): string {
  return createHash('sha1').update(JSON.stringify(data)).digest('hex')
}
