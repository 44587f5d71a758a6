import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { Bounds, Committed, LogReader } from '../../ports/message-log.ts'
import type { FeedMark, Log } from '../../ports.ts'
import { describeFault } from '../sql/fault.ts'
import { readNote } from './note.ts'
import { nowAndThen } from './now-and-then.ts'
import { isOf } from './topic-life.ts'

const LOOK_EVERY_MS = 1_000
/** What was found longer ago says nothing of now. */
const MAX_AGE_MS = 5_000

type Deps = {
  reader: LogReader
  topic: string
  epoch: string
  group: string
  /** What is there to be read, by partition. */
  onBounds(bounds: Bounds[]): void
  observe?: Pick<FeedObserver, 'waiting'> | undefined
  log: Log
}

/**
 * How far the whole group is, by what its members have committed: how many messages wait, and up to when all changes have
 * been handled. Looked up in passing, so that whoever handles changes never waits for it.
 */
export function groupWatch({ reader, topic, epoch, group, onBounds, observe, log }: Deps) {
  let found: { mark: FeedMark | null; atMs: number } | null = null

  const look = async (): Promise<void> => {
    // What is committed first: then nothing can seem done that is not there.
    const committed = await reader.committed(topic, group)
    const bounds = await reader.bounds(topic)
    observe?.waiting(waitingIn(bounds, committed))
    onBounds(bounds)
    found = { mark: markOf(bounds, committed, epoch), atMs: performance.now() }
  }
  const { stop } = nowAndThen(LOOK_EVERY_MS, look, (error) =>
    log.debug({ reason: describeFault(error) }, 'how far the group is cannot be seen'),
  )
  return {
    mark: async () => (found !== null && performance.now() - found.atMs <= MAX_AGE_MS ? found.mark : null),
    stop,
  }
}

export function waitingIn(bounds: Bounds[], committed: Committed[]): number {
  const done = new Map(committed.map(({ partition, offset }) => [partition, offset]))
  return bounds.reduce((sum, { partition, first, end }) => sum + end - Math.max(first, done.get(partition) ?? first), 0)
}

/** Null while a partition has none, or one of another life of the topic: then somebody still has to catch up. */
export function markOf(bounds: Bounds[], committed: Committed[], epoch: string): FeedMark | null {
  const notes = new Map(committed.map(({ partition, note }) => [partition, readNote(note)]))
  const marks = bounds.map(({ partition }) => notes.get(partition))
  const stream = marks[0]?.stream ?? ''
  let before: string | null = null
  for (const note of marks) {
    if (!note || note.mark === null || note.stream !== stream) return null
    if (before === null || note.mark < before) before = note.mark
  }
  return before === null || !isOf(stream, epoch) ? null : { before, stream }
}
