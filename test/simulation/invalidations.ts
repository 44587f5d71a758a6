import type { InvalidationListener, Invalidations } from '../../src/ports/invalidations.ts'
import type { Schedule } from './schedule.ts'
import type { SimulatedServer } from './server.ts'
import type { Time } from './simulated-globals.ts'

export type SimulatedInvalidations = Invalidations & {
  /** The connection that is read over is there, or there again. */
  connected(): void
  /** It has closed: known at once. */
  closed(): void
  /** From here on nothing arrives any more, not even what is on its way; that is found out later. */
  mute(): void
}
/** What the server says, in order, on its way; `beat`: what the process itself has written, to see it come back. */
type Message = { key: string | null; sentAtMs: number } | { beat: true; sentAtMs: number }
type Pair = { life: number; mutedAtMs: number | null; onTheirWay: Message[]; untrack(): void }
/** Told as they happen, beside the cache: what may be believed of it changes with them. */
export type Told = Pick<InvalidationListener, 'onDown' | 'onInvalidated'>

/** One process's way to be told: as adapters/redis/tracking.ts, over a server and connections that are simulated. */
export function simulatedInvalidations(
  schedule: Schedule,
  owner: string,
  server: SimulatedServer,
  time: Time,
  told: Told,
): SimulatedInvalidations {
  let listener: InvalidationListener | null = null
  let pair: Pair | null = null
  let isReadable = true
  let up = false

  const goDown = (reason: string) => {
    pair?.untrack()
    pair = null
    if (!up) return
    up = false
    listener?.onDown(reason)
    told.onDown(reason)
  }
  const deliver = (to: Pair) => {
    const message = to.onTheirWay.shift()
    if (message === undefined || pair !== to) return
    if ('key' in message) {
      listener?.onInvalidated(message.key)
      told.onInvalidated(message.key)
    } else if (!up) {
      up = true
      listener?.onUp()
    }
  }
  const send = (to: Pair, message: Message) => {
    if (to.mutedAtMs !== null || to.life !== server.life()) return
    to.onTheirWay.push(message)
    schedule.add(owner, 'key' in message ? `is told of ${message.key}` : 'sees its beat', () => deliver(to))
  }
  const begin = () => {
    if (pair !== null || !isReadable || listener === null) return
    const { prefixes } = listener
    const begun: Pair = {
      life: server.life(),
      mutedAtMs: null,
      onTheirWay: [],
      untrack: server.track((key) => {
        if (key !== null && !prefixes.some((prefix) => key.startsWith(prefix))) return
        send(begun, { key, sentAtMs: time.nowMs })
      }),
    }
    pair = begun
    send(begun, { beat: true, sentAtMs: time.nowMs })
  }
  const beginSoon = () => void schedule.add(owner, 'begins to track', begin)

  return {
    start(given) {
      listener = given
      beginSoon()
    },
    provedAtMs() {
      if (!up || pair === null) return Number.NEGATIVE_INFINITY
      const lostAtMs = pair.mutedAtMs ?? (pair.life === server.life() ? time.nowMs : server.lifeBegunAtMs())
      return pair.onTheirWay[0]?.sentAtMs ?? lostAtMs
    },
    watch() {
      throw new Error('nobody changes prefixes here')
    },
    stop: () => goDown('stopped'),
    connected() {
      isReadable = true
      beginSoon()
    },
    closed() {
      isReadable = false
      goDown('the connection that is read over has ended')
    },
    mute() {
      const muted = pair
      if (muted === null || muted.mutedAtMs !== null) return
      muted.mutedAtMs = muted.onTheirWay[0]?.sentAtMs ?? time.nowMs
      muted.onTheirWay = []
      schedule.add(owner, 'misses its beats', () => {
        if (pair !== muted) return
        goDown('no beat came back')
        beginSoon()
      })
    },
  }
}
