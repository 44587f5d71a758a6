import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { LogReader, LogRecord, MessageConsumer, MessageWriter } from '../../ports/message-log.ts'
import type { ChangeFeed, ChangeSubscriber, Log, Subscription, Truth } from '../../ports.ts'
import { directFeed } from '../sql/direct-feed.ts'
import type { Parking } from '../sql/parked.ts'
import { assigner } from './assigning.ts'
import { committing } from './committing.ts'
import { inbox } from './inbox.ts'
import { writeNote } from './note.ts'
import { receiver } from './receiving.ts'
import { stuckWatch } from './stuck.ts'
import { rewind } from './track.ts'
import { groupWatch } from './watching.ts'

/** Arrivals wake it; this is for what was set aside and is due. */
const LOOK_EVERY_MS = 100
const COMMIT_AFTER_MS = 20

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
  /** Whether marks come in the log; else somebody else says how far changes have been handled. */
  vouches: boolean
  log: Log
  observe?: FeedObserver | undefined
  /** How often the group hears that this member lives, while it is busy; by default what suits a session. */
  aliveEveryMs?: number | undefined
}

/**
 * Changes out of a log, as one member of a group: what happens to them is what happens to those of the outbox (claims,
 * blame, parking), only that what is done is committed instead of deleted, and what is not comes again to whoever has the
 * partition next.
 */
export function logFeed(deps: LogFeedDeps): ChangeFeed {
  return { subscribe: (subscriber) => openMember(deps, subscriber) }
}

function openMember(deps: LogFeedDeps, subscriber: ChangeSubscriber): Subscription {
  const { consumer, topics, group, epoch, vouches, reader, log, observe } = deps
  const box = inbox({
    commit: (offsets) => consumer.commit(offsets.map((each) => ({ ...each, note: writeNote(each.note) }))),
    onProgress: () => committer.soon(COMMIT_AFTER_MS),
    deleteRows: deps.deleteRows,
    parkAnew: deps.parkAnew,
  })
  const committer = committing(box.tracks, consumer, log)
  const stuck = stuckWatch(box.trackOf, (partition) => consumer.restart(`partition ${partition} hands nothing over`))
  const watch = groupWatch({ reader, topic: topics.changes, group, epoch, observe, log, onBounds: stuck.look })
  const mark = vouches ? watch.mark : async () => null
  const feed = directFeed({ ...deps, changes: box.source, parked: box, mark, pollMs: LOOK_EVERY_MS })
  const subscription = feed.subscribe(subscriber)
  const onArrival = () => {
    subscription.wake()
    committer.soon(COMMIT_AFTER_MS)
  }
  const receive = receiver({ ...deps, onLost: subscriber.onLost, onArrival })
  void consumer.start({
    onAssigned: assigner(deps, box),
    async onRecords(partition: number, records: LogRecord[], alive: () => Promise<void>) {
      const track = box.trackOf(partition)
      if (!track) return
      await stuck.handing(track, receive(track, records, alive)).catch(async (error) => {
        // They come again, to this member or another; what is done of them by then is kept.
        await committer.now()
        if (records[0]) rewind(track, records[0].offset)
        throw error
      })
    },
    onPassed(partition, next) {
      const track = box.trackOf(partition)
      if (track && next > track.next) track.next = next
      committer.soon(COMMIT_AFTER_MS)
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
