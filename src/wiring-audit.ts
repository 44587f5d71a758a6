import { type Erasure, eraseHistory } from './adapters/sql/audit-erase.ts'
import { chainEnds, comparedEnd } from './adapters/sql/audit-heads.ts'
import { unchainedNow } from './adapters/sql/audit-loose.ts'
import { verifyAudit } from './adapters/sql/audit-verify.ts'
import { databaseNow, later } from './adapters/sql/database-time.ts'
import type { Config } from './config.ts'
import type { BrokenPlace, ChainEnd, VerifyWhat } from './ports/audit-trail.ts'
import { openDatabase } from './wiring-database.ts'

export { CHAIN_FAULTS } from './ports/audit-trail.ts'

export type Audit = ReturnType<typeof openAudit>

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
