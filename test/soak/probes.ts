import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from '../../bench/clock.ts'
import { type Client, client, get } from './client.ts'
import type { Judge } from './judge.ts'
import type { Acknowledged } from './knowledge.ts'
import type { Model } from './model.ts'
import type { Stage } from './stage.ts'
import type { Timeline } from './timeline.ts'

const GIVE_UP_MS = 60_000
const POLL_MS = 4
/** So many at a time at each API, so that the looking is not most of the load. */
const PROBES_AN_API = 2

export type Delays = { calm: number[]; faulty: number[]; gaveUp: number }
type Asked = Pick<Stage, 'addresses' | 'credentials'>
export type Probes = ReturnType<typeof probes>

/** Measures how long after its commit something is shown, by asking until it is. */
export function probes({ addresses, credentials }: Asked, judge: Judge, model: Model, timeline: Timeline) {
  const idle = addresses.flatMap((api) => Array.from({ length: PROBES_AN_API }, () => client(api, credentials.all)))
  const foreign: Delays = { calm: [], faulty: [], gaveUp: 0 }
  const own: Delays = { calm: [], faulty: [], gaveUp: 0 }
  const running = new Set<Promise<void>>()

  const untilShown = async (client: Client, userId: number, { version, atMs }: Acknowledged, delays: Delays) => {
    for (;;) {
      const reply = await judge.ask(client, 'probe', get(`/v1/users/${userId}`))
      const shown = reply?.status === 200 ? Number(/"version":(\d+)}$/.exec(reply.text)?.[1]) : 0
      model.catchUp()
      const gone = reply?.status === 404 && model.newest(userId)?.user === null
      if (reply && (shown >= version || gone)) {
        const ms = Math.max(0, reply.receivedAtMs - atMs)
        const calm = !timeline.faultDuring(atMs, reply.receivedAtMs)
        ;(calm ? delays.calm : delays.faulty).push(ms)
        return
      }
      if (monotonicMs() - atMs > GIVE_UP_MS) {
        delays.gaveUp += 1
        return
      }
      await delay(POLL_MS)
    }
  }
  return {
    foreign,
    own,
    /** Unless too many are running already. An own command is looked for at the API that did not run it. */
    start(kind: 'foreign' | 'own', userId: number, ack: Acknowledged): void {
      const asker = idle.find(({ api }) => api !== ack.by)
      if (!asker) return
      idle.splice(idle.indexOf(asker), 1)
      const probe = untilShown(asker, userId, ack, kind === 'foreign' ? foreign : own).finally(() => {
        running.delete(probe)
        // At the end, so that the APIs take turns.
        idle.push(asker)
      })
      running.add(probe)
    },
    async settle() {
      await Promise.all(running)
      for (const asker of idle) asker.close()
    },
  }
}
