import { setTimeout as delay } from 'node:timers/promises'
import { forceBreakers, watchBreakers } from './breakers.ts'
import type { Case } from './cases.ts'
import { mark, type Phase, phase, type Results } from './phases.ts'
import type { Rig, Served } from './rig.ts'

/** Connections are made, and what was left of the case before has ended. */
const SETTLE_MS = 1_000
export const HEALTHY_MS = 8_000
const CLOSED_LIMIT_MS = 20_000
/** A profile waits half a second at most: more than are ever under way. */
const PROFILE_CONNECTIONS = 256
const HOT_CONNECTIONS = 64
export const HOT_RATE = 500

export type Pace = { rate: number; seconds: number }
export type Measured = {
  name: string
  arrangement: Case['arrangement']
  before: Phase
  during: Phase
  /** From the fault until a breaker opened, each time, in order. */
  openedAfterMs: number[]
  /** From the end of the fault until both breakers were closed; null: not within the limit, or the fault has no end. */
  closedAfterMs: number | null
  complaints: string[]
}
export type Measurer = ReturnType<typeof measurer>

/** Its loads go on from where they were: nobody is asked for again too soon. */
export function measurer({ threads, questions, served, unresolvable, neighbours }: Rig, { rate, seconds }: Pace) {
  const next = { profiles: 0, hot: 0 }

  const begin = (port: number) => {
    const profiles = threads.profiles.begin({
      port,
      connections: PROFILE_CONNECTIONS,
      ratePerSecond: rate,
      questions: questions.profiles,
      first: next.profiles,
      judge: 'profile',
    })
    const hot = threads.hot.begin({
      port,
      connections: HOT_CONNECTIONS,
      ratePerSecond: HOT_RATE,
      questions: questions.hot,
      first: next.hot,
      judge: 'question',
    })
    return async (): Promise<Results> => {
      const [ofProfiles, ofHot] = await Promise.all([profiles(), hot()])
      next.profiles = ofProfiles.next
      next.hot = ofHot.next
      return { profiles: ofProfiles, hot: ofHot }
    }
  }

  return {
    async warmUp(ms: number): Promise<void> {
      const end = begin(served.port)
      await delay(ms)
      const { profiles, hot } = await end()
      const complaints = [...profiles.complaints, ...hot.complaints]
      if (complaints.length > 0) throw new Error(`while warming up:\n${complaints.join('\n')}`)
    },

    async measure(one: Case): Promise<Measured> {
      const isLasting = one.arrangement === 'unresolvable'
      const asked = isLasting ? await unresolvable() : served
      // Nobody is asked yet: else the fault would have begun.
      if (isLasting) await forceBreakers(asked, 'open')
      const end = begin(asked.port)
      // The other process has been at work for long.
      await delay(isLasting ? SETTLE_MS + HEALTHY_MS : SETTLE_MS)
      const { marks, ...times } = await undergo(one, asked, neighbours, seconds)
      const results = await end()
      if (isLasting) await asked.running.stop()
      const [healthy, begun, ended] = marks
      return {
        name: one.name,
        arrangement: one.arrangement,
        before: phase(healthy, begun, results),
        during: phase(begun, ended, results),
        ...times,
        complaints: [...results.profiles.complaints, ...results.hot.complaints],
      }
    },
  }
}

/** The phases of one case, under load: well, with the fault, and well again until the breakers are closed. */
async function undergo(one: Case, served: Served, neighbours: Rig['neighbours'], seconds: number) {
  const isForced = one.arrangement === 'forced-closed'
  const isLasting = one.arrangement === 'unresolvable'
  const { metricsPort } = served
  const breakers = await watchBreakers(served)
  const healthy = await mark(metricsPort, neighbours.look)
  await delay(HEALTHY_MS)
  if (isForced) await forceBreakers(served, 'closed')
  const begun = await mark(metricsPort, async () => {
    // Its fault has always been there, and now it is met.
    if (isLasting) await forceBreakers(served, null)
    return neighbours.set(one.fault === null ? null : one.name)
  })
  await delay(1_000 * seconds)
  const ended = await mark(metricsPort, () => neighbours.set(null))
  if (isForced) await forceBreakers(served, null)
  const closedAt = isLasting ? null : await breakers.allClosed(CLOSED_LIMIT_MS)
  await breakers.stop()
  return {
    marks: [healthy, begun, ended] as const,
    openedAfterMs: breakers.openedSince(begun.seen.atTime).map((at) => at - begun.seen.atTime),
    closedAfterMs: closedAt === null ? null : closedAt - ended.seen.atTime,
  }
}
