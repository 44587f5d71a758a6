import type { ChangeSource } from '../sql/changes.ts'
import type { ClaimedChange } from '../sql/claiming.ts'
import type { Parking } from '../sql/parked.ts'
import { choose } from './choosing.ts'
import type { Note } from './note.ts'
import { type Entry, isStanding, positionOf, type Track } from './track.ts'

type Deps = {
  /** Keeps what is known of these partitions. Rejects when they may be another's. */
  commit(offsets: { partition: number; offset: number; note: Note }[]): Promise<void>
  /** Something is done: what is known of a partition may be committed. */
  onProgress(): void
  /** Deletes rows that nobody else deletes. */
  deleteRows(changeIds: number[]): Promise<void>
  parkAnew(parking: Omit<Parking, 'claim'>): Promise<void>
  clock?: () => number
}
export type Inbox = ReturnType<typeof inbox>

/**
 * What a consumer has been handed and is not done yet, as a source of changes like the outbox: claimed, given back, set
 * aside with a back-off, forgotten or parked one by one. One claim at a time.
 */
export function inbox({ commit, onProgress, deleteRows, parkAnew, clock = () => performance.now() }: Deps) {
  let tracks: Track[] = []
  /** By the change's number: it may have come more than once. */
  let claimed = new Map<number, Entry[]>()
  let claims = 0

  const held = (changeIds: number[]) => changeIds.flatMap((id) => claimed.get(id) ?? [])
  const done = (entry: Entry): void => {
    if (isStanding(entry)) entry.track.entries.delete(entry.offset)
    entry.settled()
  }
  const lostOf = (changeIds: number[]): number => changeIds.filter((id) => !claimed.get(id)?.some(isStanding)).length

  const source: ChangeSource = {
    async claim() {
      claims += 1
      const { entries, isAll } = choose(tracks, clock(), claims % 2 === 0)
      if (entries.length === 0) return 'none'
      await noteBeginning(entries, commit)
      for (const entry of entries) entry.state = 'claimed'
      claimed = Map.groupBy(entries, ({ change }) => change.changeId)
      // Another partition has its turn first.
      tracks = [...tracks.slice(1), ...tracks.slice(0, 1)]
      return { claim: String(claims), changes: [...claimed.values()].map(asOne), more: !isAll }
    },
    renew: async () => undefined,
    async release(_claim, changeIds, { attempts, afterMs }) {
      for (const entry of held(changeIds)) {
        entry.state = afterMs > 0 || entry.attempts > 0 ? 'aside' : 'fresh'
        entry.attempts += attempts
        entry.freeAtMs = clock() + afterMs
        if (entry.state === 'aside') entry.settled()
      }
      return changeIds.length - lostOf(changeIds)
    },
    async forget(_claim, changeIds) {
      const rows = changeIds.filter((id) => claimed.get(id)?.some(({ rowRemains }) => rowRemains))
      if (rows.length > 0) await deleteRows(rows)
      const lost = lostOf(changeIds)
      held(changeIds).forEach(done)
      onProgress()
      return lost
    },
    sweep: async () => undefined,
  }
  return {
    source,
    async park({ change, error, attempts }: Parking): Promise<boolean> {
      if (lostOf([change.changeId]) > 0) return false
      await parkAnew({ change, error, attempts })
      held([change.changeId]).forEach(done)
      onProgress()
      return true
    },
    /** These from now on, and no others. */
    assign(assigned: Track[]): void {
      for (const track of tracks) {
        track.isOurs = false
        for (const entry of track.entries.values()) entry.settled()
      }
      tracks = assigned
    },
    tracks: () => tracks,
    trackOf: (partition: number) => tracks.find((track) => track.partition === partition),
  }
}

/** The same change, however often it has come. */
function asOne(same: Entry[]): ClaimedChange {
  return {
    ...(same[0] as Entry).change,
    attempts: Math.max(...same.map(({ attempts }) => attempts)),
    takeovers: Math.max(...same.map(({ takeovers }) => takeovers)),
  }
}

/**
 * Before the first of a partition's messages are begun with, that is written down: who comes next, should this process
 * die of them, takes fewer together, and in the end leaves the one that is to blame.
 */
async function noteBeginning(entries: Entry[], commit: Deps['commit']): Promise<void> {
  const first = [...Map.groupBy(entries, ({ track }) => track)].filter(([track]) => track.noted === null)
  if (first.length === 0) return
  const noted = first.map(([track, begun]) => {
    const until = Math.max(track.note.until, (begun.at(-1)?.offset ?? 0) + 1)
    return { track, note: { ...track.note, tries: track.note.tries + 1, until } }
  })
  await commit(noted.map(({ track, note }) => ({ partition: track.partition, offset: positionOf(track), note })))
  for (const { track, note } of noted) {
    track.noted = note
    track.note = note
    track.committed = { offset: positionOf(track), note }
  }
}
