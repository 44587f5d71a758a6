import type { Timeline } from './timeline.ts'

/**
 * Somebody told us that this version is committed. `by`: which API acknowledged it, null: another program. `handledAtMs`:
 * when its change row was seen to be gone.
 */
export type Acknowledged = { version: number; atMs: number; by: string | null; visible: boolean; handledAtMs?: number }

/** How long something may take to be shown, from the calibration. */
export type Bounds = {
  /** An own command's, at the other API's near cache. */
  nearMs: number
  /** Another program's write, or an own one that answered `visibility: pending`; no fault being on. */
  feedMs: number
  /** The same, whatever is going on: then hits are confirmed by the database, or say that they are stale. */
  anyMs: number
}

export type Asked = {
  api: string
  sentAtMs: number
  /** May the answer come from a cache of the process itself, which is told of changes by others? */
  near: boolean
  minVersion: number
  /** The answer itself says that it may be older than the bounds. */
  saidStale: boolean
}

/** The role catalogue is kept like a user with this id. */
export const CATALOGUE = 0

export type Knowledge = ReturnType<typeof knowledge>

/** What the client knows to be committed, and from when on it may hold an old answer against the service. */
export function knowledge(bounds: () => Bounds, timeline: Pick<Timeline, 'calmMs'>) {
  const acknowledged = new Map<number, Acknowledged[]>()

  const holds = (ack: Acknowledged, { api, sentAtMs, near, saidStale }: Asked): boolean => {
    if (ack.atMs > sentAtMs) return false
    const { nearMs, feedMs, anyMs } = bounds()
    const atOnce = (sinceMs: number) => sentAtMs - sinceMs > (near ? nearMs : 0)
    if (ack.visible && ack.by !== null) return ack.by === api || atOnce(ack.atMs)
    // A worker forgets a change only when what it has led to is shown: however long that took, whatever came between.
    if (ack.handledAtMs !== undefined && atOnce(ack.handledAtMs)) return true
    if (saidStale) return false
    return sentAtMs - ack.atMs > anyMs || timeline.calmMs(ack.atMs, sentAtMs) > feedMs
  }

  return {
    learn(userId: number, ack: Acknowledged): void {
      const known = acknowledged.get(userId)
      if (known) known.push(ack)
      else acknowledged.set(userId, [ack])
    },
    /** The least version that an answer to this question may show. */
    floor(userId: number, asked: Asked): number {
      let floor = asked.minVersion
      // Versions rise with every commit, but their acknowledgements may come in any order.
      for (const ack of acknowledged.get(userId) ?? []) {
        if (ack.version > floor && holds(ack, asked)) floor = ack.version
      }
      return floor
    },
    newest: (userId: number): number => Math.max(0, ...(acknowledged.get(userId) ?? []).map(({ version }) => version)),
    describe: (userId: number): string =>
      (acknowledged.get(userId) ?? [])
        .slice(-5)
        .map(
          ({ version, atMs, by, visible }) =>
            `v${version} at ${Math.round(atMs)} by ${by ?? 'foreign'}${visible ? '' : ' (pending)'}`,
        )
        .join(', '),
  }
}
