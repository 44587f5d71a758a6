import type { Address } from './cluster-url.ts'
import { type Master, sentinelAnswers } from './sentinel-answers.ts'
import { parseSentinelUrl } from './sentinel-url.ts'

/** How soon a failover is seen that no connection has felt: a master that was cut off answers those who are with it. */
const LOOK_EVERY_MS = 250

export type MasterWatch = {
  /** Asks now. Null, with the reason: nobody knows. */
  look(): Promise<{ master: Address } | { master: null; reason: string }>
  /** Called when another server is the master. Answers how to end it. */
  onChange(tell: (master: Address) => void): () => void
  release(): void
}
type Kept = ReturnType<typeof watchMaster> & { users: number }

/** One for all connections of a process: what one of them has learnt, none may fall behind. */
const watches = new Map<string, Kept>()
/** Outlives them: between two connections there may be none. One entry for each URL of the settings. */
const knownBefore = new Map<string, Master>()

/** Follows who is the master, by the Sentinels of this URL, until it is released. */
export function masterWatch(url: string): MasterWatch {
  const watch = watches.get(url) ?? { ...watchMaster(url), users: 0 }
  watch.users += 1
  watches.set(url, watch)
  let isHeld = true
  return {
    look: watch.look,
    onChange: watch.onChange,
    release() {
      if (!isHeld) return
      isHeld = false
      watch.users -= 1
      if (watch.users > 0) return
      watches.delete(url)
      watch.close()
    },
  }
}

function watchMaster(url: string) {
  const parsed = parseSentinelUrl(url)
  const answers = sentinelAnswers(parsed)
  const listeners = new Set<(master: Address) => void>()
  let known: Master | null = knownBefore.get(url) ?? null
  let looking: Promise<string[]> | null = null

  const lookOnce = async (): Promise<string[]> => {
    const { masters, faults } = await answers.all()
    const seen = believed(masters, known, parsed.sentinels.length)
    const isOther = seen !== null && known !== null && !isSame(seen, known)
    known = seen ?? known
    if (known) knownBefore.set(url, known)
    if (isOther && seen) for (const tell of [...listeners]) tell(seen)
    return masters.length === 0 ? faults : []
  }
  // One at a time, for all who ask: what one of these has missed, the next one finds, and tells.
  const share = (): Promise<string[]> => {
    looking ??= lookOnce().finally(() => {
      looking = null
    })
    return looking
  }
  const timer = setInterval(() => void share(), LOOK_EVERY_MS).unref()
  return {
    look: async (): Promise<Awaited<ReturnType<MasterWatch['look']>>> => {
      const faults = await share()
      if (faults.length > 0 || known === null)
        return { master: null, reason: `no Sentinel knows: ${faults.join('; ')}` }
      return { master: { host: known.host, port: known.port } }
    },
    onChange(tell: (master: Address) => void) {
      listeners.add(tell)
      return () => void listeners.delete(tell)
    },
    close() {
      clearInterval(timer)
      answers.close()
    },
  }
}

/**
 * The master of the latest failover that any of them has heard of, and never one of an earlier failover than is known: a
 * Sentinel that was cut off with the old master still names that. But when more than half of all say the same, then so it
 * is: Sentinels that were set up anew count their failovers from the beginning.
 */
export function believed(masters: Master[], known: Master | null, sentinels: number): Master | null {
  const latest = masters.toSorted((a, b) => b.epoch - a.epoch)[0]
  if (latest === undefined) return null
  const agreed = masters.find((one) => masters.filter((other) => isSame(one, other)).length * 2 > sentinels)
  if (known === null || latest.epoch > known.epoch) return latest
  if (latest.epoch < known.epoch) return agreed ?? null
  // Of one failover, under two names: what is connected to stays, while anybody says so.
  return masters.some((one) => one.epoch === known.epoch && isSame(one, known)) ? known : latest
}

function isSame(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port
}
