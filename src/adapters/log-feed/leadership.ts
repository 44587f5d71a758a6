import type { Log, Session, Subscription } from '../../ports.ts'
import { describeFault } from '../sql/fault.ts'
import { type HeldLease, LeaseLostError, type RelayLease } from '../sql/relay-lease.ts'

/** A lease is renewed this often while it lasts, and asked for as often by whoever waits for it. */
const RENEWALS_A_LEASE = 4
/** What of a lease is not used: a clock may run a little differently, and an answer takes its time. */
const UNUSED_SHARE = 0.1

/** What the holder of a lease does, as long as it holds it. */
export type Duty = Subscription & {
  /** What the next holder has to know. */
  known(): Pick<HeldLease, 'stream' | 'published'>
}
/** `check` throws when the lease has run out by this process's clock; `fence` asks the database, and locks. */
export type Term = { held: HeldLease; check(): void; fence(session: Session): Promise<void> }
type Deps = {
  lease: RelayLease
  leaseMs: number
  /** What it is about, for the log. */
  what: string
  begin(term: Term): Promise<Duty>
  log: Log
}
type Leading = { held: HeldLease; duty: Duty; extend(untilMs: number): void }

/** Has something done by one process at a time: others stand by, and take over within a lease when it dies. */
export function startLeading({ lease, leaseMs, what, begin, log }: Deps): Subscription {
  let leading: Leading | null = null
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let failures = 0

  const take = async (held: HeldLease, firstUntilMs: number): Promise<Leading> => {
    let untilMs = firstUntilMs
    const check = () => {
      if (performance.now() > untilMs) throw new LeaseLostError()
    }
    const duty = await begin({ held, check, fence: (session) => lease.fence(session, held) })
    const extend = (nextUntilMs: number) => {
      untilMs = nextUntilMs
    }
    return { held, duty, extend }
  }
  const look = async (): Promise<void> => {
    const untilMs = performance.now() + leaseMs * (1 - UNUSED_SHARE)
    if (leading) {
      const { held, duty, extend } = leading
      if (await lease.renew({ ...held, ...duty.known() })) return extend(untilMs)
      log.warn({ what }, 'another process has taken over; this one stands by')
      leading = null
      return duty.stop()
    }
    const held = await lease.acquire()
    if (held === null) return
    try {
      leading = await take(held, untilMs)
      log.info({ what, token: held.token }, 'publishes')
    } catch (error) {
      await lease.release(held)
      throw error
    }
  }
  const loop = async (): Promise<void> => {
    try {
      await look()
      if (failures > 0) log.info({ what, failures }, 'the relay works again')
      failures = 0
    } catch (error) {
      failures += 1
      const reason = describeFault(error)
      if (failures === 1) log.warn({ what, reason }, 'the relay waits: the database or Kafka is out of reach')
    }
    if (!stopped) timer = setTimeout(run, leaseMs / RENEWALS_A_LEASE)
  }
  let looking = Promise.resolve()
  const run = () => {
    looking = loop()
  }
  run()
  return {
    wake: () => leading?.duty.wake(),
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
      if (!leading) return
      const { held, duty } = leading
      await duty.stop()
      // Not worth a failure of its own: the next one takes over when the lease ends.
      await lease.release({ ...held, ...duty.known() }).catch(() => undefined)
    },
  }
}
