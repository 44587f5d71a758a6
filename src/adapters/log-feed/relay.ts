import type { LogReader, MessageWriter } from '../../ports/message-log.ts'
import type { Database, FeedObserver, Log, Session, Subscription, Truth } from '../../ports.ts'
import { outboxMark } from '../sql/changes.ts'
import { directFeed } from '../sql/direct-feed.ts'
import { describeFault } from '../sql/fault.ts'
import { type HeldLease, LeaseLostError, type RelayLease } from '../sql/relay-lease.ts'
import { soleChanges } from '../sql/sole-changes.ts'
import type { EventPublisher } from './event-publisher.ts'
import { encodeChange, encodeMark } from './messages.ts'
import { topicLife } from './topic-life.ts'

/** A lease is renewed this often while it lasts, and asked for as often by whoever waits for it. */
const RENEWALS_A_LEASE = 4
/** What of a lease is not used: a clock may run a little differently, and an answer takes its time. */
const UNUSED_SHARE = 0.1
const EVENTS_RETRY_BASE_MS = 100
const EVENTS_RETRY_MAX_MS = 5_000

export type RelayDeps = {
  database: Database
  lease: RelayLease
  truth: Pick<Truth, 'now'>
  writer: MessageWriter
  reader: Pick<LogReader, 'bounds'>
  topic: string
  /** Null: commands are not published. */
  events: EventPublisher | null
  leaseMs: number
  pollMs: number
  log: Log
  observe?: FeedObserver | undefined
}
type Leading = { renew(untilMs: number): Promise<boolean>; wake(): void; stop(): Promise<HeldLease> }

/**
 * Publishes what is in the outbox, and the events that commands have left behind, as the only one that does: others stand
 * by, and take over within a lease when it dies. Rows are deleted only after the brokers have acknowledged the messages.
 */
export function startRelay(deps: RelayDeps): Subscription {
  const { lease, leaseMs, log } = deps
  let leading: Leading | null = null
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let failures = 0

  const look = async (): Promise<void> => {
    const untilMs = performance.now() + leaseMs * (1 - UNUSED_SHARE)
    if (leading) {
      if (await leading.renew(untilMs)) return
      log.warn({}, 'another relay has taken over; this one stands by')
      await leading.stop()
      leading = null
      return
    }
    const held = await lease.acquire()
    if (held === null) return
    try {
      leading = await lead(deps, held, untilMs)
      log.info({ token: held.token }, 'publishes changes')
    } catch (error) {
      await lease.release(held)
      throw error
    }
  }
  const loop = async (): Promise<void> => {
    try {
      await look()
      if (failures > 0) log.info({ failures }, 'the relay works again')
      failures = 0
    } catch (error) {
      failures += 1
      if (failures === 1)
        log.warn({ reason: describeFault(error) }, 'the relay waits: the database or Kafka is out of reach')
    }
    if (!stopped) timer = setTimeout(run, leaseMs / RENEWALS_A_LEASE)
  }
  let looking = Promise.resolve()
  const run = () => {
    looking = loop()
  }
  run()
  return {
    wake: () => leading?.wake(),
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
      const held = await leading?.stop()
      // Not worth a failure of its own: the next one takes over when the lease ends.
      if (held) await lease.release(held).catch(() => undefined)
    },
  }
}

async function lead(deps: RelayDeps, held: HeldLease, firstUntilMs: number): Promise<Leading> {
  const { database, lease, truth, writer, reader, topic, events, pollMs, log, observe } = deps
  let untilMs = firstUntilMs
  const life = topicLife(held, await reader.bounds(topic), (stream) =>
    log.warn({ stream }, 'the topic of changes is not the one it was; everybody looks at all since the mark'),
  )
  let comparing = false
  /** How many partitions there are may change, and that it is the same topic. The lease does not wait for Kafka. */
  const compare = async (): Promise<void> => {
    if (comparing) return
    comparing = true
    await life
      .compare(() => reader.bounds(topic))
      .catch((error) => log.debug({ reason: describeFault(error) }, 'the topic of changes cannot be looked at'))
    comparing = false
  }
  const check = () => {
    if (performance.now() > untilMs) throw new LeaseLostError()
  }
  const fence = (session: Session) => lease.fence(session, held)
  const changes = soleChanges(database, { fence, check })
  const subscription = directFeed({
    ...{ changes, truth, pollMs, leaseMs: deps.leaseMs, log, observe },
    parked: { park: async () => false },
    mark: outboxMark(changes, truth),
  }).subscribe({
    async handle(batch) {
      check()
      life.appended(await writer.append(topic, batch.map(encodeChange)))
    },
    // Nobody looks into what is published: what fails is Kafka, or the way to it.
    isOutage: () => true,
    othersGoThrough: async () => false,
    giveUp: async () => {
      throw new Error('a change that can be published is never given up')
    },
    async onMark({ before }) {
      check()
      const { token } = held
      const marks = life
        .partitions()
        .map(({ partition, next }) => encodeMark({ mark: before, stream: life.stream(), token, at: next }, partition))
      life.appended(await writer.append(topic, marks))
    },
    onLost: async () => undefined,
  })
  const publishing = events ? publishEvents(events, { check, fence, pollMs, log }) : null
  const known = (): HeldLease => ({ ...held, stream: life.stream(), published: life.published() })
  return {
    async renew(nextUntilMs) {
      void compare()
      if (!(await lease.renew(known()))) return false
      untilMs = nextUntilMs
      return true
    },
    wake() {
      subscription.wake()
      publishing?.wake()
    },
    async stop() {
      await Promise.all([subscription.stop(), publishing?.stop()])
      return known()
    },
  }
}

type Publishing = { check(): void; fence(session: Session): Promise<void>; pollMs: number; log: Log }

function publishEvents(events: EventPublisher, { check, fence, pollMs, log }: Publishing): Subscription {
  let stopped = false
  let wakeUp: () => void = () => undefined
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const run = async (): Promise<void> => {
    let failures = 0
    while (!stopped) {
      try {
        check()
        const published = await events.publishSome(fence)
        failures = 0
        if (published === 0 && !stopped) await sleep(pollMs)
      } catch (error) {
        failures += 1
        if (failures === 1) log.warn({ reason: describeFault(error) }, 'events wait: they cannot be published now')
        await sleep(Math.min(EVENTS_RETRY_BASE_MS * 2 ** Math.min(failures, 10), EVENTS_RETRY_MAX_MS))
      }
    }
  }
  const running = run()
  return {
    wake: () => wakeUp(),
    async stop() {
      stopped = true
      wakeUp()
      await running
    },
  }
}
