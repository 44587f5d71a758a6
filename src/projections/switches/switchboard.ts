import { DomainError } from '../../domain/errors.ts'
import type { SwitchStore } from '../../ports/switches.ts'
import type { Log } from '../../ports.ts'

/** How long a replica may go without what an operator has set at another, when nobody wakes it. */
export const SWITCH_POLL_MS = 1_000

export type Settings = ReadonlyMap<string, string>
export type Switchboard = ReturnType<typeof switchboard>
type Deps = {
  store: Pick<SwitchStore, 'all'>
  /** All that is set, when it is not what it was: in passing. Where it throws it is called again, after the next read. */
  onChange(settings: Settings): void
  log: Log
  pollMs?: number
}

/**
 * What operators have set, as this process knows it: read now and then, and whenever it is woken. While it cannot be
 * read, what was read last holds.
 */
export function switchboard({ store, onChange, log, pollMs = SWITCH_POLL_MS }: Deps) {
  let known: Settings | null = null
  let isFailing = false
  let stopped = false
  /** The latest read. */
  let last: Promise<unknown> = Promise.resolve()
  /** The one that has not begun. */
  let waiting: Promise<boolean> | null = null

  const apply = (settings: Settings): void => {
    if (stopped || (known !== null && isSame(known, settings))) return
    onChange(settings)
    known = settings
  }
  const look = async (): Promise<boolean> => {
    if (stopped) return false
    try {
      apply(await store.all())
      if (isFailing) log.info({}, 'switches are read again')
      isFailing = false
      return true
    } catch (error) {
      if (!isFailing) log.warn({ reason: String(error) }, 'switches cannot be read; what was read last holds')
      isFailing = true
      return false
    }
  }
  /** Of those who come while one is under way all wait for the next: it may have begun before what they know of. */
  const refresh = (): Promise<boolean> => {
    if (waiting !== null) return waiting
    const next = last.then(() => {
      waiting = null
      return look()
    })
    waiting = next
    last = next
    return next
  }
  const wake = (): void => void refresh()
  const timer = setInterval(wake, pollMs)
  timer.unref()
  wake()
  return {
    /** As read last. Throws `database-unavailable` when nothing could be read yet. */
    settings(): Settings {
      if (known === null)
        throw new DomainError('database-unavailable', 'What operators have set could not be read yet.')
      return known
    },
    /** Reads, beginning after now, and applies it. False: that failed. Never rejects. */
    refresh,
    wake,
    /** Nothing is read or applied afterwards. */
    async stop(): Promise<void> {
      stopped = true
      clearInterval(timer)
      await last
    },
  }
}

function isSame(a: Settings, b: Settings): boolean {
  return a.size === b.size && [...a].every(([name, setting]) => b.get(name) === setting)
}
