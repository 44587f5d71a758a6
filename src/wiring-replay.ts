import { later } from './adapters/sql/database-time.ts'
import type { Config } from './config.ts'
import { type ReplayData, type ReplayResult, replayer } from './jobs/replay/replay.ts'
import { checkReplay } from './jobs/replay/requests.ts'
import type { Log } from './ports.ts'
import type { Parts } from './wiring-core.ts'
import { doneOnce, type Following, type Left, wireReady } from './wiring-once.ts'
import { wireJobs } from './wiring-workers.ts'

export { MAX_REPLAY_IDS } from './jobs/replay/replay.ts'

/** `from-mark`: since what Redis has for certain, less the longest transaction. */
export type ReplayWhat = ReplayData | 'from-mark'
export type Replayed = ({ outcome: 'replayed' } & ReplayResult) | { outcome: 'no-mark' } | Left

/** Has users projected again and waits for it, as `rebuildOnce` does. */
export async function replayOnce(config: Config, log: Log, what: ReplayWhat, following: Following): Promise<Replayed> {
  const parts = await wireReady(config, log)
  try {
    // Before the guard's look: that may itself drop what Redis holds, and the mark with it.
    const data = what === 'from-mark' ? await sinceTheMark(parts, config.feed.longestTransactionMs) : what
    return data === null ? { outcome: 'no-mark' } : await replayThese(config, log, parts, data, following)
  } finally {
    await parts.close()
  }
}

async function replayThese(
  config: Config,
  log: Log,
  parts: Parts,
  data: ReplayData,
  following: Following,
): Promise<Replayed> {
  checkReplay(data)
  const jobs = wireJobs(config, parts, log)
  const forgetUs = parts.schemas.keepSeen()
  try {
    await parts.guard.check()
    const work = { what: 'the replay', queue: jobs.replays, handle: replayer({ ...parts, log }), data }
    // A job of its own: one that runs already may have passed those who were missed since.
    const replayed = await doneOnce({ ...work, key: crypto.randomUUID() }, following)
    if ('outcome' in replayed) return replayed
    const done = replayed.users + replayed.failed
    if (done > 0) following.onProgress(done, done)
    return { outcome: 'replayed', ...replayed }
  } finally {
    forgetUs()
    await jobs.close()
  }
}

/** Null: no partition has a mark. One that has none is being built, which is more than a replay. */
async function sinceTheMark({ keys, redis }: Parts, longestTransactionMs: number): Promise<ReplayData | null> {
  const marks = await Promise.all(keys.partitions.map(({ mark }) => redis.get(mark)))
  // Times of the database compare as text.
  const [oldest] = marks.flatMap((mark) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}/.exec(mark ?? '') ?? []).sort()
  return oldest === undefined ? null : { since: later(oldest, -longestTransactionMs), until: null }
}
