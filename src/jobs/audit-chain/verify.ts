import type { AuditVerification, BrokenPlace, VerifiedUpTo, VerifySteps } from '../../ports/audit-trail.ts'
import type { Job } from '../../ports/jobs.ts'
import type { Log } from '../../ports.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import { BROKEN, type BrokenPlaces, PASS, type Pass } from './passes.ts'

/** Of one pass: whoever has seen so many looks with `audit verify`, which names all. */
const MAX_TOLD = 100

export type ChainProgress = {
  upTo: VerifiedUpTo
  chains: number
  entries: number
  broken: BrokenPlaces
  told: number
  startedAt: number
}
export type ChainDeps = {
  /** Looks at the whole audit, page by page; `found` is told each broken place. */
  verify(stop: AbortSignal, found: (place: BrokenPlace) => void, steps: VerifySteps): Promise<AuditVerification>
  tally: Pick<Tally, 'remember'>
  /** Waits until so many rows more may be read. */
  pace(stop: AbortSignal): (rows: number) => Promise<void>
  log: Log
  now(): number
}

/** One pass over the audit of commands. What it finds is told as soon as the page is done, and each place in the log. */
export function chainVerifier({ verify, tally, pace, log, now }: ChainDeps) {
  return async ({ progress, keep, stop }: Pick<Job<null, ChainProgress>, 'progress' | 'keep' | 'stop'>) => {
    const before = { chains: progress?.chains ?? 0, entries: progress?.entries ?? 0 }
    const startedAt = progress?.startedAt ?? now()
    const broken: BrokenPlaces = { ...progress?.broken }
    let told = progress?.told ?? 0
    // Told at once: what was told before may have gone with a Redis that was emptied.
    let isNews = true
    const found = (place: BrokenPlace): void => {
      broken[place.what] = (broken[place.what] ?? 0) + 1
      isNews = true
      told += 1
      if (told <= MAX_TOLD) log.error({ ...place }, 'the audit is broken')
      else if (told === MAX_TOLD + 1)
        log.error({ told: MAX_TOLD }, 'more of the audit is broken; audit verify names all')
    }
    const tell = async (): Promise<void> => {
      if (isNews) await tally.remember(BROKEN, JSON.stringify(broken))
      isNews = false
    }
    const inTime = pace(stop)
    const sum = ({ chains, entries }: Pick<AuditVerification, 'chains' | 'entries'>) => {
      return { chains: before.chains + chains, entries: before.entries + entries }
    }
    const counts = await verify(stop, found, {
      from: progress?.upTo ?? null,
      async reached(upTo, rows, soFar) {
        await tell()
        await keep({ upTo, ...sum(soFar), broken: { ...broken }, told, startedAt })
        await inTime(rows)
      },
    })
    await tell()
    const endedAt = now()
    const pass: Pass = { ...sum(counts), broken, ms: endedAt - startedAt, endedAt }
    await tally.remember(PASS, JSON.stringify(pass))
    log.info({ ...pass }, 'the audit has been verified')
  }
}
