import { ok } from '../cases.ts'
import { get } from '../load/connection.ts'
import type { Question } from '../load/load.ts'
import { exchange } from '../processes.ts'
import { LARGE_PAGE, SMALL_PAGE } from './legacy.ts'
import { FORM_PATH, LARGE_PATH, SMALL_PATH } from './legacy-process.ts'
import { type AtRate, type FlatOut, runAtRate, runFlatOut, type Target } from './loads.ts'
import { type Pace, WARM_UP_SECONDS } from './pace.ts'
import type { ProxyOrder } from './proxy-process.ts'
import type { Rig } from './rig.ts'

/** The ways to the legacy application, in the order in which they take turns. */
export const WAYS = {
  direct: 'no one between',
  forwarder: 'bytes are copied between two sockets (`node:net`), nothing is read: the floor',
  'http-proxy': '`@fastify/http-proxy` in a plain Fastify, as the conformance tests set it up',
  'users-service': '`users-service serve` with `LEGACY_URL`, all other settings as usual',
} as const
export type Way = keyof typeof WAYS

const FORM_BYTES = 1_024
const form = `POST ${FORM_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${FORM_BYTES}\r\n\r\n${JSON.stringify('x'.repeat(FORM_BYTES - 2))}`

/** What is asked. */
export const EXCHANGES = {
  'GET 600 B': ok(get(SMALL_PATH), SMALL_PAGE, null),
  'GET 64 KiB': ok(get(LARGE_PATH), LARGE_PAGE, null),
  'POST 1 KiB': ok(form, String(FORM_BYTES), null),
} as const satisfies Record<string, Question>
export type ExchangeName = keyof typeof EXCHANGES

/** Of one way in one round. `proxy`: 0 where there is none. */
export type Cost = { flatOut: FlatOut<'proxy' | 'legacy'>; atRate: AtRate<'proxy' | 'legacy'> }
/** One each round, in order. */
export type Costs = Record<ExchangeName, Record<Way, Cost[]>>

/** In each round one way after the other: what slows the machine down for a while hits all alike. Round 0 warms up. */
export async function measureCosts(rig: Rig, pace: Pace): Promise<Costs> {
  const { targets, stop } = await startWays(rig)
  const costs = noCosts()
  for (let round = 0; round <= pace.rounds; round += 1) {
    for (const name of Object.keys(EXCHANGES) as ExchangeName[]) {
      for (const way of Object.keys(WAYS) as Way[]) {
        rig.stage.say(`${round === 0 ? 'warming up' : `round ${round} of ${pace.rounds}`}: ${name}, ${way}`)
        const target = { ...targets[way], questions: [EXCHANGES[name]] }
        const seconds = round === 0 ? WARM_UP_SECONDS : pace.seconds
        const flatOut = asNamed(await runFlatOut(rig.stage.generator, target, seconds))
        if (round > 0) costs[name][way].push({ flatOut, atRate: asNamed(await runAtRate(rig.open, target, pace)) })
      }
    }
  }
  await stop()
  return costs
}

type Asked = Omit<Target<string>, 'questions'>

async function startWays({ stage, legacy, serve }: Rig) {
  const other = async (proxy: ProxyOrder['proxy']) => {
    const running = stage.processes.helper(proxy, 'strangler/proxy-process.ts', [])
    const { port } = await exchange<{ port: number }>(running, { proxy, legacyUrl: legacy.url } satisfies ProxyOrder)
    return { port, running }
  }
  const listening = {
    forwarder: await other('forwarder'),
    'http-proxy': await other('http-proxy'),
    'users-service': await serve('serve-cost', {}),
  }
  const through = (way: keyof typeof listening): Asked => {
    const { port, running } = listening[way]
    return { port, pids: { proxy: running.pid, legacy: legacy.pid() } }
  }
  return {
    targets: {
      direct: { port: legacy.port, pids: { legacy: legacy.pid() } },
      forwarder: through('forwarder'),
      'http-proxy': through('http-proxy'),
      'users-service': through('users-service'),
    } satisfies Record<Way, Asked>,
    async stop(): Promise<void> {
      await Promise.all(Object.values(listening).map(({ running }) => running.stop()))
    },
  }
}

/** Where there is no proxy it takes nothing. */
function asNamed<Figures extends { cpuUs: Record<string, number> }>(figures: Figures) {
  const { proxy = 0, legacy = Number.NaN } = figures.cpuUs
  return { ...figures, cpuUs: { proxy, legacy } }
}

function noCosts(): Costs {
  const ways = () => Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]))
  return Object.fromEntries(Object.keys(EXCHANGES).map((name) => [name, ways()])) as unknown as Costs
}
