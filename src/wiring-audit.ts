import { type Erasure, eraseHistory } from './adapters/sql/audit-erase.ts'
import { chainEnds, comparedEnd } from './adapters/sql/audit-heads.ts'
import { unchainedNow } from './adapters/sql/audit-loose.ts'
import { verifyAudit } from './adapters/sql/audit-verify.ts'
import { databaseNow, later } from './adapters/sql/database-time.ts'
import type { Config } from './config.ts'
import { pace } from './jobs/audit/pace.ts'
import { type ChainQueue, scheduleChains } from './jobs/audit-chain/schedule.ts'
import type { BrokenPlace, ChainEnd, VerifyWhat } from './ports/audit-trail.ts'
import type { JobWorker } from './ports/jobs.ts'
import type { Log } from './ports.ts'
import type { Parts } from './wiring-core.ts'
import { openDatabase } from './wiring-database.ts'

export { CHAIN_FAULTS } from './ports/audit-trail.ts'

export type Audit = ReturnType<typeof openAudit>

type Verifying = {
  config: Config
  parts: Pick<Parts, 'database' | 'scan' | 'tally' | 'redis'>
  queue: ChainQueue
  log: Log
}

/** Verified again and again, by the jobs workers. */
export function verifyingChains({ config, parts, queue, log }: Verifying): JobWorker {
  const { database, scan, tally, redis } = parts
  const { keptMs, verify } = config.history
  const { everyMs, rowsPerSecond, hadRetention, unchainedBefore } = verify
  const what = { of: null, unchainedBefore, mayBeRemoved: keptMs !== null || hadRetention }
  const reads = { scan, dialect: database.dialect }
  return scheduleChains({
    ...{ queue, tally, everyMs, isReady: redis.isReady, log },
    verify: (stop, found, steps) => verifyAudit(reads, { ...what, stop }, found, steps),
    pace: (stop) => pace(rowsPerSecond, stop),
  })
}

/** The audit of commands, for the people who have to show that it is true, or to erase what it says. Needs no Redis. */
export function openAudit(config: Config) {
  const { database, scan, close } = openDatabase(config)
  const { dialect } = database
  const reads = { scan, dialect }
  const { keptMs } = config.history
  return {
    /** Whether the oldest entries are removed by now and then. */
    hasRetention: keptMs !== null,
    verify: (what: VerifyWhat, found: (place: BrokenPlace) => void) => verifyAudit(reads, what, found),
    ends: (stop: AbortSignal) => chainEnds(reads, stop),
    unchained: (stop: AbortSignal) => unchainedNow(reads, stop),
    /** `hadRetention`: that what there was of it until now was another. */
    async comparing(hadRetention: boolean): Promise<(end: ChainEnd) => Promise<BrokenPlace | null>> {
      const now = await databaseNow(scan, dialect)
      const removedBefore = hadRetention ? now : keptMs === null ? null : later(now, -keptMs)
      return (end) => comparedEnd(reads, end, removedBefore)
    },
    erase: (erasure: Erasure) => eraseHistory(database, erasure),
    close,
  }
}
