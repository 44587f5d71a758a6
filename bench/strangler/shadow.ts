import { setTimeout as delay } from 'node:timers/promises'
import { ok } from '../cases.ts'
import { get } from '../load/connection.ts'
import { type Compared, scrapeCompared, since } from './compared.ts'
import { type AtRate, type FlatOut, runAtRate, runFlatOut, type Target } from './loads.ts'
import { setMode } from './modes.ts'
import { type Pace, WARM_UP_SECONDS } from './pace.ts'
import type { Rig, Served } from './rig.ts'

/** As many as are ever under way: none is left out. */
const ENOUGH_CONCURRENT = '1000'
/** What is compared ends soon after the answer. */
const COMPARED_WITHIN_MS = 100

/** In the order in which they take turns. Two processes: how much is sampled is a setting of theirs. */
export const SHADOW_CASES = {
  legacy: { mode: 'legacy', percent: 100, beside: null },
  'legacy (other process)': { mode: 'legacy', percent: 10, beside: null },
  'shadow, 100 % sampled': { mode: 'shadow', percent: 100, beside: 'legacy' },
  'shadow, 10 % sampled': { mode: 'shadow', percent: 10, beside: 'legacy (other process)' },
  native: { mode: 'native', percent: 100, beside: 'legacy' },
} as const
export type ShadowCase = keyof typeof SHADOW_CASES

export type Who = 'service' | 'legacy' | 'redis'
export type ShadowCost = {
  flatOut: FlatOut<Who>
  atRate: AtRate<Who>
  compared: { flatOut: Compared; atRate: Compared }
}
/** One each round, in order. */
export type ShadowCosts = Record<ShadowCase, ShadowCost[]>

/** The same questions, and the same answers byte for byte, in each mode. Round 0 warms up. */
export async function measureShadow(rig: Rig, pace: Pace): Promise<ShadowCosts> {
  const start = (percent: number) =>
    rig.serve(`serve-shadow-${percent}`, {
      SHADOW_SAMPLE_PERCENT: String(percent),
      SHADOW_CONCURRENT: ENOUGH_CONCURRENT,
    })
  const served = { 100: await start(100), 10: await start(10) }
  const both = Object.values(served)
  const names = Object.keys(SHADOW_CASES) as ShadowCase[]
  const costs = Object.fromEntries(names.map((name) => [name, []])) as unknown as ShadowCosts
  for (let round = 0; round <= pace.rounds; round += 1) {
    for (const name of names) {
      rig.stage.say(`${round === 0 ? 'warming up' : `round ${round} of ${pace.rounds}`}: ${name}`)
      const { mode, percent } = SHADOW_CASES[name]
      await setMode(both, mode)
      if (round > 0) costs[name].push(await measureOne(rig, served[percent], pace))
      else await runFlatOut(rig.stage.generator, targetOf(rig, served[percent]), WARM_UP_SECONDS)
    }
  }
  await setMode(both, 'legacy')
  await Promise.all(both.map(({ running }) => running.stop()))
  return costs
}

function targetOf({ stage, legacy, users }: Rig, { port, credentials, running }: Served): Target<Who> {
  return {
    port,
    pids: { service: running.pid, legacy: legacy.pid(), redis: stage.server.pid },
    questions: users.map(({ path, body }) => ok(get(path, credentials), body, null)),
  }
}

async function measureOne(rig: Rig, served: Served, pace: Pace): Promise<ShadowCost> {
  const target = targetOf(rig, served)
  const look = async () => {
    await delay(COMPARED_WITHIN_MS)
    return scrapeCompared(served.metricsPort)
  }
  const before = await look()
  const flatOut = await runFlatOut(rig.stage.generator, target, pace.seconds)
  const between = await look()
  const atRate = await runAtRate(rig.open, target, pace)
  const after = await look()
  return { flatOut, atRate, compared: { flatOut: since(before, between), atRate: since(between, after) } }
}
