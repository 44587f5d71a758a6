import { DomainError } from '../../domain/errors.ts'
import type { Job } from '../../ports/jobs.ts'
import { type Change, type Log, MAX_BULK_USERS, type Truth } from '../../ports.ts'
import type { Projector } from '../../projections/projector.ts'

/** Times are the database's, `YYYY-MM-DD HH:MM:SS.fff`, UTC, both included; `until` null: to the end. */
export type ReplayData = { since: string; until: string | null } | { userIds: number[] }
/** `failed`: users who could not be projected, whoever tried; so many of them are named. */
export type Faulty = { failed: number; failedIds: number[]; rolesFailed: boolean }
/** Everybody up to `after` has been handed on. `total` is a bound while more than one page is to come. */
export type ReplayProgress = Faulty & { after: number; done: number; total: number }
/** `users` were projected. Who failed is fenced: read from the database until the next change. */
export type ReplayResult = Faulty & { users: number }
export type ReplayJob = Job<ReplayData, ReplayProgress>

export type ReplayDeps = {
  truth: Pick<Truth, 'usersChangedSince' | 'countUsers'>
  projector: Pick<Projector, 'handle' | 'isOutage' | 'othersGoThrough' | 'giveUp'>
  log: Log
}

/** More is a replay by time, or a rebuild: a job's data lie in Redis, and are read whole. */
export const MAX_REPLAY_IDS = 10_000
/** Enough to look into; where more fail, it is no fault of single users. */
export const MAX_FAILED_IDS = 100
/**
 * Projects again users who may have been missed, as if their changes came once more: that is what mends every schema, and
 * checks that Redis is still the one that readers use. Newer copies stay. Goes on after the last page that is finished,
 * whoever finished it.
 */
export function replayer(deps: ReplayDeps) {
  return async (job: ReplayJob): Promise<ReplayResult> => {
    let progress = job.progress ?? (await begin(deps, job))
    for (;;) {
      const { userIds, total } = await nextPage(deps.truth, job.data, progress)
      const last = userIds.at(-1)
      if (last === undefined) break
      // Said before it is done as well: whoever waits sees how much there is.
      if (progress.done === 0) await job.keep({ ...progress, total })
      const faulty = await handOn(deps, userIds.map(userChange), job.stop)
      const done = progress.done + userIds.length
      progress = { ...progress, ...withFaulty(progress, faulty), after: last, done, total: Math.max(total, done) }
      await job.keep(progress)
    }
    const { done, failed, failedIds, rolesFailed } = progress
    return { users: done - failed, failed, failedIds, rolesFailed }
  }
}

/** The roles have one version, and no time: they come with every replay by time. */
async function begin(deps: ReplayDeps, { data, stop }: ReplayJob): Promise<ReplayProgress> {
  const faulty = 'userIds' in data ? [] : await handOn(deps, [ROLES], stop)
  return { after: 0, done: 0, total: 0, failed: 0, failedIds: [], rolesFailed: faulty.length > 0 }
}

type Page = { userIds: number[]; total: number }
async function nextPage(truth: ReplayDeps['truth'], data: ReplayData, { after, done }: ReplayProgress): Promise<Page> {
  if ('userIds' in data) {
    const distinct = [...new Set(data.userIds)].sort((a, b) => a - b)
    const userIds = distinct.filter((userId) => userId > after).slice(0, MAX_BULK_USERS)
    return { userIds, total: distinct.length }
  }
  const userIds = await truth.usersChangedSince(data.since, after, MAX_BULK_USERS, data.until)
  const upToHere = done + userIds.length
  // How many are to come after a whole page nobody knows: at most everybody.
  const total = userIds.length < MAX_BULK_USERS ? upToHere : Math.max(await truth.countUsers(), upToHere)
  return { userIds, total }
}

/**
 * Answers those that could not be projected, after nothing old was left standing of them. What fails together is halved
 * until the faulty are alone; and blame needs proof (docs/decisions/0010-claims.md): while nobody goes through, or
 * something is out of reach, it rejects, and all of it is to be tried again.
 */
async function handOn({ projector, log }: ReplayDeps, changes: Change[], stop: AbortSignal): Promise<Change[]> {
  const faulty: Change[] = []
  const parts = [changes]
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    stop.throwIfAborted()
    try {
      await projector.handle(part)
    } catch (error) {
      if (isOutage(projector, error)) throw error
      const [alone, ...others] = part
      if (alone === undefined) continue
      if (others.length > 0) {
        const middle = Math.ceil(part.length / 2)
        parts.push(part.slice(middle), part.slice(0, middle))
        continue
      }
      if (!(await projector.othersGoThrough(part))) throw error
      await projector.giveUp(alone)
      faulty.push(alone)
      // Not the message: what a parser or a driver complains of is often the very text that somebody is called.
      const { entity, entityId } = alone
      log.warn({ entity, entityId, error: error instanceof Error ? error.name : 'unknown' }, 'could not be replayed')
    }
  }
  return faulty
}

/** The projector knows Redis's outages; a database says its own by these. */
function isOutage(projector: Pick<Projector, 'isOutage'>, error: unknown): boolean {
  if (error instanceof DomainError) return error.code === 'busy' || error.code === 'database-unavailable'
  return projector.isOutage(error)
}

function withFaulty({ failed, failedIds }: Faulty, faulty: Change[]): Omit<Faulty, 'rolesFailed'> {
  const ids = faulty.map(({ entityId }) => Number(entityId))
  return { failed: failed + faulty.length, failedIds: [...failedIds, ...ids].slice(0, MAX_FAILED_IDS) }
}

/** Made up: they stand in no outbox, and nobody asks when they were written. */
const ROLES: Change = { changeId: 0, entity: 'role', entityId: '*', changedAt: '' }
function userChange(userId: number): Change {
  return { changeId: 0, entity: 'user', entityId: String(userId), changedAt: '' }
}
