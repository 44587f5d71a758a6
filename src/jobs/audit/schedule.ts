import type { Job, JobQueue, JobWorker } from '../../ports/jobs.ts'
import type { Log } from '../../ports.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import { isDue, scheduled } from '../scheduling.ts'
import type { Auditor } from './auditor.ts'
import type { WalkProgress } from './walk.ts'

export type AuditKind = 'sample' | 'recheck' | 'walk'
export type AuditData = { kind: AuditKind }
export type AuditQueue = JobQueue<AuditData, WalkProgress, null>

const LOOK_EVERY_MS = 1_000
const KINDS: AuditKind[] = ['sample', 'recheck', 'walk']

type Deps = {
  queue: AuditQueue
  auditor: Auditor
  tally: Pick<Tally, 'read' | 'remember'>
  everyMs: Record<AuditKind, number>
  /** The read models can be looked at. */
  isReady(): boolean
  log: Log
  lookEveryMs?: number
  now?: () => number
}

/**
 * Has audits done when they are due, by whichever of the jobs workers is free: all look at the clock, and one job of a
 * kind waits or runs at a time. When the last of a kind began stands in the tally, so a Redis that was lost or emptied
 * is looked at at once.
 */
export function scheduleAudits(deps: Deps): JobWorker {
  const { queue, auditor, tally, everyMs, isReady, log, lookEveryMs = LOOK_EVERY_MS, now = Date.now } = deps
  const began = (kind: AuditKind) => `began:${kind}`
  const look = async () => {
    const fields = await tally.read()
    const due = KINDS.filter((kind) => isDue(now() - Number(fields[began(kind)] ?? 0), everyMs[kind]))
    await Promise.all(due.map((kind) => queue.add(kind, { kind })))
  }
  const run = async ({ data: { kind }, progress, keep, stop }: Job<AuditData, WalkProgress>): Promise<null> => {
    await tally.remember(began(kind), now())
    if (kind === 'sample') await auditor.sample()
    else if (kind === 'recheck') await auditor.recheck(stop)
    else await auditor.walk({ progress, keep, stop })
    return null
  }
  const worker = queue.work(run, KINDS.length)
  const failed = (reason: string) => log.debug({ reason }, 'audits could not be asked for')
  return scheduled(worker, { look, everyMs: lookEveryMs, atOnce: false, isReady, failed })
}
