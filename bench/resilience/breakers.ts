import { setTimeout as delay } from 'node:timers/promises'
import { MICROSERVICES, type MicroserviceName } from '../../src/domain/neighbours.ts'
import type { Credentials } from '../credentials.ts'
import { textOf } from '../load/answer.ts'
import { type Client, connectAs } from '../load/connection.ts'

type State = 'closed' | 'half-open' | 'open' | 'not-configured'
export type BreakerSeen = { neighbour: MicroserviceName; state: State; since: string }

const LOOK_EVERY_MS = 50
const FORCE_LIMIT_MS = 5_000

/** A process, and what it wants to be shown. */
export type Operated = { port: number; credentials: Credentials }

/** The breakers of the process that listens there, as it says itself, until `stop`. Times are since 1970. */
export async function watchBreakers({ port, credentials }: Operated) {
  const asker = await connectAs(port, credentials)
  const openings = new Map<string, number>()
  let seen = await look(asker)
  let isStopped = false
  const watching = (async () => {
    while (!isStopped) {
      await delay(LOOK_EVERY_MS)
      seen = await look(asker)
      for (const { neighbour, state, since } of seen)
        if (state !== 'closed') openings.set(`${neighbour} ${since}`, Date.parse(since))
    }
  })()
  // Told of by `stop`.
  watching.catch(() => undefined)

  return {
    /** When breakers opened since then, in order. */
    openedSince: (time: number): number[] =>
      [...openings.values()].filter((at) => at >= time).toSorted((one, other) => one - other),
    /** When the last one closed; null: not within the limit. */
    async allClosed(limitMs: number): Promise<number | null> {
      const limit = performance.now() + limitMs
      while (performance.now() < limit) {
        await delay(LOOK_EVERY_MS)
        if (seen.every(({ state }) => state === 'closed'))
          return Math.max(...seen.map(({ since }) => Date.parse(since)))
      }
      return null
    },
    async stop(): Promise<void> {
      isStopped = true
      await watching.finally(asker.close)
    },
  }
}

async function look({ get }: Client): Promise<BreakerSeen[]> {
  const answer = await get('/v1/breakers')
  if (answer.status !== 200) throw new Error(`GET /v1/breakers: ${answer.status} ${textOf(answer)}`)
  return (JSON.parse(textOf(answer)) as { breakers: BreakerSeen[] }).breakers
}

/** As an operator does it; null: they decide by themselves again. */
export async function forceBreakers({ port, credentials }: Operated, forced: 'open' | 'closed' | null): Promise<void> {
  for (const neighbour of MICROSERVICES) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/breakers/${neighbour}`, {
      signal: AbortSignal.timeout(FORCE_LIMIT_MS),
      ...(forced === null
        ? { method: 'DELETE', headers: credentials }
        : {
            method: 'PUT',
            headers: { ...credentials, 'content-type': 'application/json' },
            body: JSON.stringify({ forced, reason: 'Measured' }),
          }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${neighbour} could not be forced: ${answer.status} ${text}`)
  }
}
