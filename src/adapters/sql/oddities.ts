import type { Log } from '../../ports.ts'

/** What other programs have written and the domain has no word for. */
export type Oddity =
  | 'branch'
  | 'empty'
  | 'encoding'
  | 'grant'
  | 'limit'
  | 'preference'
  | 'role'
  | 'status'
  | 'text'
  | 'time'

/** Told of each; `id`: whose it is, a user's id or a role. Values are personal, and never told. */
export type Oddities = { seen(oddity: Oddity, id: number | string): void }

/** Logs the first of each kind, with whose it is, and counts the rest: a whole column of them fills no log. */
export function countOddities(log: Pick<Log, 'warn'>): Oddities & { counts(): Partial<Record<Oddity, number>> } {
  const counts: Partial<Record<Oddity, number>> = {}
  return {
    seen(oddity, id) {
      counts[oddity] = (counts[oddity] ?? 0) + 1
      if (counts[oddity] === 1) log.warn({ oddity, id }, 'another program has written what cannot be shown; left out')
    },
    counts: () => ({ ...counts }),
  }
}

export const UNCOUNTED: Oddities = { seen: () => undefined }
