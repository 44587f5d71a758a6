import { setTimeout as delay } from 'node:timers/promises'
import { ok } from '../cases.ts'
import { monotonicMs } from '../clock.ts'
import { get } from '../load/connection.ts'
import { watchBreakers } from '../resilience/breakers.ts'
import type { OpenResult, Sample } from '../resilience/open-load.ts'
import { startOpenThread } from '../resilience/open-thread.ts'
import { byPhase } from './figures.ts'
import { type Legacy, SMALL_PAGE } from './legacy.ts'
import { SMALL_PATH } from './legacy-process.ts'
import { setMode } from './modes.ts'
import type { Rig } from './rig.ts'

/** Of each of the two loads. */
export const FAULT_RATE = 200
/** More than wait for a frozen application (LEGACY_CONCURRENT and LEGACY_WAITING): each has a connection. */
const CONNECTIONS = 512
/** Until most of what runs has been compiled. */
const SETTLE_MS = 3_000
const WELL_SECONDS = 6
/** Longer than it takes until more than half of the breaker’s window is bad. */
const ILL_SECONDS = 10

type Change = keyof Pick<Legacy, 'kill' | 'restart' | 'freeze' | 'thaw' | 'rubbish' | 'well'>
/** One after the other. `isIll`: the legacy application does not answer as it should. */
export const PHASES = [
  { name: 'well', change: null, isIll: false },
  { name: 'killed (SIGKILL)', change: 'kill', isIll: true },
  { name: 'restarted', change: 'restart', isIll: false },
  { name: 'frozen (SIGSTOP)', change: 'freeze', isIll: true },
  { name: 'thawed', change: 'thaw', isIll: false },
  { name: 'answers rubbish', change: 'rubbish', isIll: true },
  { name: 'well again', change: 'well', isIll: false },
] as const satisfies { name: string; change: Change | null; isIll: boolean }[]

/** What was due in one phase, and when it had begun, on the clock that all processes share. */
export type FaultPhase = {
  name: string
  isIll: boolean
  beganAtMs: number
  native: Sample[]
  proxied: Sample[]
  /** From the phase’s begin until the breaker of the legacy application opened; null: it did not. */
  openedAfterMs: number | null
}
export type Faults = { phases: FaultPhase[]; complaints: { native: string[] } }

type Begun = { atMs: number; atTime: number; openedAtTime: number | null }

/** The legacy application undergoes all of it while half of the requests are for it, and half for a native route. */
export async function measureFaults(rig: Rig, shorter: number): Promise<Faults> {
  const { stage, legacy, users } = rig
  const served = await rig.serve('serve-faults', {})
  await setMode([served], 'native')
  await using stack = new AsyncDisposableStack()
  const threads = { native: startOpenThread(), proxied: startOpenThread() }
  for (const { stop } of Object.values(threads)) stack.defer(stop)
  const load = {
    port: served.port,
    connections: CONNECTIONS,
    ratePerSecond: FAULT_RATE,
    first: 0,
    judge: 'question',
  } as const
  const ends = {
    native: threads.native.begin({
      ...load,
      questions: users.map(({ path, body }) => ok(get(path, served.credentials), body, null)),
    }),
    proxied: threads.proxied.begin({ ...load, questions: [ok(get(SMALL_PATH), SMALL_PAGE, null)] }),
  }
  const breakers = await watchBreakers(served)
  await delay(SETTLE_MS)
  const begun: Begun[] = []
  for (const { name, change, isIll } of PHASES) {
    stage.say(name)
    const atMs = change === null ? monotonicMs() : await legacy[change]()
    const atTime = Date.now() - (monotonicMs() - atMs)
    await delay((1_000 * (isIll ? ILL_SECONDS : WELL_SECONDS)) / shorter)
    begun.push({ atMs, atTime, openedAtTime: breakers.openedSince(atTime)[0] ?? null })
  }
  const untilMs = monotonicMs()
  const [native, proxied] = await Promise.all([ends.native(), ends.proxied()])
  await breakers.stop()
  await setMode([served], 'legacy')
  await served.running.stop()
  return { phases: phasesOf(begun, untilMs, { native, proxied }), complaints: { native: native.complaints } }
}

function phasesOf(begun: Begun[], untilMs: number, { native, proxied }: Record<'native' | 'proxied', OpenResult>) {
  const bounds = begun.map(({ atMs }, i) => ({ atMs, isIll: PHASES[i]?.isIll ?? false }))
  const [ofNative, ofProxied] = [native, proxied].map(({ samples }) => byPhase(samples, bounds, untilMs))
  return begun.map(({ atMs, atTime, openedAtTime }, i): FaultPhase => {
    const { name, isIll } = PHASES[i] ?? { name: '', isIll: false }
    const openedAfterMs = openedAtTime === null ? null : openedAtTime - atTime
    const due = { native: ofNative?.[i] ?? [], proxied: ofProxied?.[i] ?? [] }
    return { name, isIll, beganAtMs: atMs, ...due, openedAfterMs }
  })
}
