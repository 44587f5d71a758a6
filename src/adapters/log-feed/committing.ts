import type { MessageConsumer } from '../../ports/message-log.ts'
import type { Log } from '../../ports.ts'
import { describeFault } from '../sql/fault.ts'
import { writeNote } from './note.ts'
import { positionOf, type Track, uncommitted } from './track.ts'

const COMMIT_AGAIN_MS = 1_000

/** Commits what is done, some moments of it together; what fails is tried again, or is another's by then. */
export function committing(tracks: () => Track[], consumer: Pick<MessageConsumer, 'commit'>, log: Log) {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<boolean> = Promise.resolve(true)

  const commit = async (): Promise<boolean> => {
    const pending = tracks().flatMap((track) => {
      const due = uncommitted(track)
      return due ? [{ track, due }] : []
    })
    if (pending.length === 0) return true
    try {
      await consumer.commit(pending.map(({ due }) => ({ ...due, note: writeNote(due.note) })))
      for (const { track, due } of pending) track.committed = { offset: due.offset, note: due.note }
      return true
    } catch (error) {
      log.debug({ reason: describeFault(error) }, 'what is done could not be committed yet')
      return false
    }
  }
  const run = (): Promise<boolean> => {
    clearTimeout(timer)
    timer = undefined
    running = running.then(commit)
    return running
  }
  const soon = (afterMs: number): void => {
    timer ??= setTimeout(() => {
      void run().then((done) => (done ? undefined : soon(COMMIT_AGAIN_MS)))
    }, afterMs)
  }
  return {
    soon,
    /** Also, that nobody has died of what is still in hand. */
    async now(): Promise<void> {
      for (const track of tracks()) {
        if (track.noted && positionOf(track) < track.note.until)
          track.note = { ...track.note, tries: track.careful.tries }
      }
      await run()
    },
    stop: () => clearTimeout(timer),
  }
}
