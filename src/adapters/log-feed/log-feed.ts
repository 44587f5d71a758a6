import type { Bounds, LogReader, LogRecord, MessageConsumer, MessageWriter } from '../../ports/message-log.ts'
import type { ChangeFeed, ChangeSubscriber, FeedObserver, Log, Truth } from '../../ports.ts'
import { directFeed } from '../sql/direct-feed.ts'
import { describeFault } from '../sql/fault.ts'
import type { Parking } from '../sql/parked.ts'
import { inbox } from './inbox.ts'
import { readNote, writeNote } from './note.ts'
import { receiver } from './receiving.ts'
import { openTrack, positionOf, type Track, uncommitted } from './track.ts'
import { groupWatch } from './watching.ts'

/** Arrivals wake it; this is for what was set aside and is due. */
const LOOK_EVERY_MS = 100
const COMMIT_AFTER_MS = 20
const COMMIT_AGAIN_MS = 1_000
/** A member that has been handed nothing for so long, while there is something for it, has got stuck. */
const STUCK_MS = 20_000

export type LogFeedDeps = {
  consumer: MessageConsumer
  reader: LogReader
  writer: Pick<MessageWriter, 'append'>
  topics: { changes: string; parked: string }
  group: string
  /** The database's: marks of another say nothing. */
  epoch: string
  deleteRows(changeIds: number[]): Promise<void>
  parkAnew(parking: Omit<Parking, 'claim'>): Promise<void>
  truth: Pick<Truth, 'now'>
  leaseMs: number
  log: Log
  observe?: FeedObserver | undefined
}

/**
 * Changes out of a log, as one member of a group: what happens to them is what happens to those of the outbox (claims,
 * blame, parking), only that what is done is committed instead of deleted, and what is not comes again to whoever has the
 * partition next.
 */
export function logFeed(deps: LogFeedDeps): ChangeFeed {
  return {
    subscribe(subscriber) {
      const member = openMember(deps, subscriber)
      return { wake: member.wake, stop: member.stop }
    },
  }
}

function openMember(deps: LogFeedDeps, subscriber: ChangeSubscriber) {
  const { consumer, reader, topics, group, epoch, log, observe } = deps
  const box = inbox({
    commit: (offsets) => consumer.commit(offsets.map((each) => ({ ...each, note: writeNote(each.note) }))),
    onProgress: () => committer.soon(COMMIT_AFTER_MS),
    deleteRows: deps.deleteRows,
    parkAnew: deps.parkAnew,
  })
  const committer = committing(box.tracks, consumer, log)
  const stuck = stuckWatch(box.trackOf, (partition) => consumer.restart(`partition ${partition} hands nothing over`))
  const watch = groupWatch({ reader, topic: topics.changes, group, epoch, observe, log, onBounds: stuck.look })
  let assignments = 0
  const feed = directFeed({ ...deps, changes: box.source, parked: box, mark: watch.mark, pollMs: LOOK_EVERY_MS })
  const subscription = feed.subscribe(subscriber)
  const receive = receiver({
    ...deps,
    onLost: subscriber.onLost,
    onArrival: () => {
      subscription.wake()
      committer.soon(COMMIT_AFTER_MS)
    },
  })

  void consumer.start({
    async onAssigned(partitions) {
      assignments += 1
      const mine = assignments
      box.assign([])
      const committed = partitions.length === 0 ? [] : await reader.committed(topics.changes, group)
      // Shared out once more meanwhile.
      if (mine !== assignments) return
      const known = new Map(committed.map((each) => [each.partition, each]))
      box.assign(
        partitions.map((partition) => {
          const { offset, note } = known.get(partition) ?? { offset: null, note: '' }
          return openTrack(partition, offset, readNote(note))
        }),
      )
      log.info({ partitions }, 'takes changes out of these partitions')
    },
    async onRecords(partition: number, records: LogRecord[], alive: () => Promise<void>) {
      const track = box.trackOf(partition)
      if (!track) return
      await stuck.handing(track, receive(track, records, alive)).catch(async (error) => {
        // Shared out anew: what is done is done, for whoever comes next.
        await committer.now()
        throw error
      })
    },
  })
  return {
    wake: subscription.wake,
    async stop() {
      watch.stop()
      await subscription.stop()
      await committer.now()
      committer.stop()
      // Whoever waits for what was handed over waits no more.
      box.assign([])
      await consumer.stop()
    },
  }
}

/** Sees partitions that hand nothing over, though there is something, and nothing of them is in hand. */
function stuckWatch(trackOf: (partition: number) => Track | undefined, onStuck: (partition: number) => void) {
  const movedAt = new WeakMap<Track, number>()
  const inHand = new Set<Track>()
  return {
    look(bounds: Bounds[]): void {
      const now = performance.now()
      for (const { partition, first, end } of bounds) {
        const track = trackOf(partition)
        if (!track) continue
        const isIdle = inHand.has(track) || Math.max(first, track.next) >= end
        const since = movedAt.get(track)
        if (isIdle || since === undefined) movedAt.set(track, now)
        else if (now - since > STUCK_MS) onStuck(partition)
      }
    },
    async handing(track: Track, work: Promise<void>): Promise<void> {
      inHand.add(track)
      movedAt.set(track, performance.now())
      await work.finally(() => inHand.delete(track))
    },
  }
}

/** Commits what is done, some moments of it together; what fails is tried again, or is another's by then. */
function committing(tracks: () => Track[], consumer: Pick<MessageConsumer, 'commit'>, log: Log) {
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
        if (track.isNoted && positionOf(track) < track.note.until)
          track.note = { ...track.note, tries: Math.max(0, track.note.tries - 1) }
      }
      await run()
    },
    stop: () => clearTimeout(timer),
  }
}
