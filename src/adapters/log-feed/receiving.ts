import { setTimeout as wait } from 'node:timers/promises'
import type { FeedObserver } from '../../ports/feed-observer.ts'
import type { LogReader, LogRecord, MessageWriter } from '../../ports/message-log.ts'
import type { Log } from '../../ports.ts'
import { describeFault } from '../sql/fault.ts'
import { type Decoded, decode } from './messages.ts'
import { parkedMessage } from './parked-message.ts'
import { isOf } from './topic-life.ts'
import type { Track } from './track.ts'

/** Far more often than a session ends. */
const ALIVE_EVERY_MS = 1_000
/** Set aside in one partition: more hold it up, until some of them have gone through or are parked. */
const MAX_ASIDE = 1_000
const LOOK_EVERY_MS = 50
const RETRY_BASE_MS = 100
const RETRY_MAX_MS = 5_000

type Deps = {
  topics: { changes: string; parked: string }
  /** The database's. */
  epoch: string
  reader: Pick<LogReader, 'bounds'>
  writer: Pick<MessageWriter, 'append'>
  /** Sees to it that nobody misses what was lost. */
  onLost(): Promise<void>
  /** There is something to claim, or to commit. */
  onArrival(): void
  observe?: Pick<FeedObserver, 'unknown'> | undefined
  log: Log
  aliveEveryMs?: number | undefined
}
type Alive = () => Promise<void>

/**
 * Takes in what a partition hands over, and resolves when all of it has been handled, or set aside, once. Meanwhile the
 * member stays alive, however long nothing goes through: nobody else would fare better with it.
 */
export function receiver(deps: Deps) {
  const { topics, onArrival, aliveEveryMs = ALIVE_EVERY_MS } = deps
  return async (track: Track, records: LogRecord[], tell: Alive): Promise<void> => {
    const alive = { tell, everyMs: aliveEveryMs }
    const first = records[0]
    if (!first) return
    if (first.offset !== track.next) await keepingAlive(alive, seeToLoss(deps, track, first.offset))
    const settling: Promise<void>[] = []
    for (const record of records) {
      if (!track.isOurs) return
      const decoded = decode(record)
      if (decoded.kind === 'unknown') {
        await keepingAlive(alive, putAside(deps, track, record, decoded.reason))
      } else if (decoded.kind === 'change') {
        settling.push(enter(track, record.offset, decoded))
      } else if (decoded.kind === 'mark' && decoded.at <= record.offset && isOf(decoded.stream, deps.epoch)) {
        // One that has come to stand before the place that it was sent for belongs to a topic that is no more.
        const { mark, stream, token } = decoded
        track.marks.push({ offset: record.offset, mark, stream, token })
      }
      track.next = record.offset + 1
    }
    onArrival()
    await keepingAlive(alive, Promise.all(settling))
    await keepingAlive(alive, untilFewAside(track))
  }

  function enter(track: Track, offset: number, { change, rowRemains }: Extract<Decoded, { kind: 'change' }>) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const takeovers = offset < track.careful.until ? track.careful.tries : 0
    const entry = { track, offset, change, rowRemains, attempts: 0, takeovers, freeAtMs: 0, settled: resolve }
    track.entries.set(offset, { ...entry, state: 'fresh' })
    return promise
  }

  async function putAside({ writer, observe, log }: Deps, track: Track, record: LogRecord, reason: string) {
    const message = parkedMessage(record, { topic: topics.changes, partition: track.partition, reason })
    for (let failures = 0; track.isOurs; failures += 1) {
      try {
        await writer.append(topics.parked, [message])
        observe?.unknown(1)
        const at = { partition: track.partition, offset: record.offset, reason }
        log.warn(at, `put aside a message that nobody here understands, in ${topics.parked}`)
        return
      } catch (error) {
        const about = { partition: track.partition, offset: record.offset, failures, reason: describeFault(error) }
        if (failures === 0) log.warn(about, 'a message that nobody here understands cannot be put aside; others wait')
        else log.debug(about, 'a message cannot be put aside yet')
        await wait(Math.min(RETRY_BASE_MS * 2 ** Math.min(failures, 10), RETRY_MAX_MS))
      }
    }
  }
}

/** Whether messages are missing before this offset that were there once, and what to do about it. */
async function seeToLoss({ topics, reader, onLost, log }: Deps, track: Track, offset: number): Promise<void> {
  const { partition, next } = track
  // Offsets that messages never had (a transaction's own, for one) are no loss.
  const bounds = offset > next ? await reader.bounds(topics.changes) : []
  const isPassedOver = bounds.some((each) => each.partition === partition && each.first > next)
  if (offset > next && !isPassedOver) return
  log.warn(
    { partition, expected: next, found: offset },
    'messages are gone that nobody has read; looking at all since the mark',
  )
  await onLost()
}

async function untilFewAside(track: Track): Promise<void> {
  while (track.isOurs && track.entries.size > MAX_ASIDE) await wait(LOOK_EVERY_MS)
}

async function keepingAlive<Result>(
  { tell, everyMs }: { tell: Alive; everyMs: number },
  work: Promise<Result>,
): Promise<Result> {
  work.catch(() => undefined)
  const over = work.then(
    () => true,
    () => true,
  )
  for (;;) {
    const timer = new AbortController()
    const tick = wait(everyMs, false, { signal: timer.signal }).catch(() => false)
    const isOver = await Promise.race([over, tick])
    timer.abort()
    if (isOver) return work
    await tell()
  }
}
