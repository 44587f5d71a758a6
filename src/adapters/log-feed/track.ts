import type { Change } from '../../ports.ts'
import type { Note } from './note.ts'

/** `settled`: told once, when it has been handled or set aside. */
export type Entry = {
  track: Track
  offset: number
  change: Change
  /** Its row is still in the database: Debezium does not delete what it has read. */
  rowRemains: boolean
  state: 'fresh' | 'claimed' | 'aside'
  attempts: number
  takeovers: number
  freeAtMs: number
  settled(): void
}
type PendingMark = { offset: number; mark: string; stream: string; token: number }

/** One partition, for as long as it is this member's: what it has handed over, and how far that is done. */
export type Track = {
  partition: number
  /** False: somebody else has it, or this member from the beginning. What becomes of its entries means nothing. */
  isOurs: boolean
  /** By offset, ascending. What is done is not here. */
  entries: Map<number, Entry>
  /** The offset after the last that was handed over. */
  next: number
  marks: PendingMark[]
  note: Note
  committed: { offset: number | null; note: Note }
  /** What was left behind by whoever had it before. */
  careful: { tries: number; until: number }
  /** What was committed when this member began with what was in hand. */
  noted: Note | null
}

export function openTrack(partition: number, offset: number | null, note: Note): Track {
  return {
    partition,
    isOurs: true,
    entries: new Map(),
    next: offset ?? 0,
    marks: [],
    note,
    committed: { offset, note },
    careful: { tries: note.tries, until: note.until },
    noted: null,
  }
}

/** As if nothing from that offset on had been handed over: it comes again, and whoever waits for it waits no more. */
export function rewind(track: Track, offset: number): void {
  for (const entry of [...track.entries.values()]) {
    if (entry.offset < offset) continue
    track.entries.delete(entry.offset)
    entry.settled()
  }
  track.marks = track.marks.filter((mark) => mark.offset < offset)
  track.next = Math.min(track.next, offset)
}

/** Whether it is still to be done: neither has it been handed over again, nor is its partition another's. */
export const isStanding = (entry: Entry): boolean =>
  entry.track.isOurs && entry.track.entries.get(entry.offset) === entry

/** Everything before it is done. */
export function positionOf(track: Track): number {
  for (const offset of track.entries.keys()) return offset

  return track.next
}

/**
 * Takes over the marks that everything before them has been done for. */
export function advance(track: Track): void {
  const position = positionOf(track)
  while (track.marks[0] && track.marks[0].offset < position) {
    const { mark, stream, token } = track.marks.shift() as PendingMark
    if (isNews(track.note, { mark, stream, token })) track.note = { ...track.note, mark, stream, token }
  }
  if (track.note.tries > 0 && position >= track.note.until) track.note = { ...track.note, tries: 0, until: 0 }
}

/** Not, what a relay says that has been replaced, or what was under way for longer than what it said next. */
function isNews(known: Note, { mark, stream, token }: Omit<PendingMark, 'offset'>): boolean {
  if (token !== known.token || stream !== known.stream) return token >= known.token
  return known.mark === null || mark > known.mark
}

/** What is to be committed, or null when that stands there already. */
export function uncommitted(track: Track): { partition: number; offset: number; note: Note } | null {
  advance(track)
  const offset = positionOf(track)
  if (offset === (track.committed.offset ?? 0) && track.note === track.committed.note) return null
  return { partition: track.partition, offset, note: track.note }
}
