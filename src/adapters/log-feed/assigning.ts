import type { LogReader } from '../../ports/message-log.ts'
import type { Log } from '../../ports.ts'
import type { Inbox } from './inbox.ts'
import { type Note, readNote } from './note.ts'
import { openTrack, type Track } from './track.ts'

type Deps = { reader: Pick<LogReader, 'committed'>; topics: { changes: string }; group: string; log: Log }

/** Opens what was shared out where its offsets say, and no later life of what this member had before. */
export function assigner({ reader, topics, group, log }: Deps, box: Pick<Inbox, 'assign' | 'tracks'>) {
  let assignments = 0
  /** By partition: what this process has noted, and what it had found. It lives, so it has died of none of it. */
  const noted = new Map<number, Track>()
  return async (partitions: number[]): Promise<void> => {
    assignments += 1
    const mine = assignments
    for (const track of box.tracks()) if (track.noted) noted.set(track.partition, track)
    box.assign([])
    const committed = partitions.length === 0 ? [] : await reader.committed(topics.changes, group)
    // Shared out once more meanwhile.
    if (mine !== assignments) return
    const known = new Map(committed.map((each) => [each.partition, each]))
    box.assign(
      partitions.map((partition) => {
        const { offset, note } = known.get(partition) ?? { offset: null, note: '' }
        return openTrack(partition, offset, asFound(readNote(note), noted.get(partition)))
      }),
    )
    if (partitions.length > 0) log.info({ partitions }, 'takes changes out of these partitions')
  }
}

function asFound(note: Note, ours: Track | undefined): Note {
  const isOurs = ours?.noted && note.tries === ours.noted.tries && note.until === ours.noted.until
  return isOurs ? { ...note, tries: ours.careful.tries } : note
}
