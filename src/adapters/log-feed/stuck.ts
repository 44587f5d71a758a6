import type { Bounds } from '../../ports/message-log.ts'
import type { Track } from './track.ts'

/** A member that has been handed nothing for so long, while there is something for it, has got stuck. */
const STUCK_MS = 20_000

/** Sees partitions that hand nothing over, though there is something, and nothing of them is in hand. */
export function stuckWatch(
  trackOf: (partition: number) => Track | undefined,
  onStuck: (partition: number) => void,
  clock = () => performance.now(),
) {
  const movedAt = new WeakMap<Track, number>()
  const inHand = new Set<Track>()
  /** When the last that was in hand was done with. */
  let doneAt = clock()
  return {
    look(bounds: Bounds[]): void {
      const now = clock()
      let stuck: number | null = null
      for (const { partition, first, end } of bounds) {
        const track = trackOf(partition)
        if (!track) continue
        // The client fetches again only when all that it has handed over is done.
        const isIdle = inHand.size > 0 || Math.max(first, track.next) >= end
        const since = movedAt.get(track)
        if (isIdle || since === undefined) movedAt.set(track, now)
        else if (now - Math.max(since, doneAt) > STUCK_MS) stuck = partition
      }
      if (stuck !== null) onStuck(stuck)
    },
    async handing(track: Track, work: Promise<void>): Promise<void> {
      inHand.add(track)
      movedAt.set(track, clock())
      try {
        await work
      } finally {
        inHand.delete(track)
        doneAt = clock()
      }
    },
  }
}
