import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { until } from '../support/service.ts'
import { ACTIONS, brokerDown, type Counts, rebalance } from './actions.ts'
import { settle, unsettled, untilMarked, watch } from './checks.ts'
import { type Stage, setStage } from './stage.ts'
import { startWriter } from './writer.ts'

const SETTLE_LIMIT_MS = 90_000
const WRITES_BEFORE_A_STEP = 200
const REBALANCE_EVERY = 3
/** After these there is something to be missed: a broker whose disk is full may have acknowledged what it then cuts off. */
const LOSSES = ['topic deleted and made again', 'offsets of the group deleted', 'disk full']

const replaysOf = ({ said }: Stage) =>
  said('changes come another way now') + said('messages are gone that nobody has read')

export type CrashOptions = {
  users: number
  seed: number
  /** So many times something befalls them. */
  steps: number
  /** How long the broker is away, once at the end; 0: it is not. */
  brokerDownMs: number
  /** A part of the name of what befalls them; all by default. */
  only?: string
  /** Names of what does not befall them. */
  without?: string[]
  say(doing: string): void
}
export type CrashResult = {
  seed: number
  steps: number
  byAction: Record<string, number>
  writes: number
  published: number
  parked: number
  looks: number
  settledMs: number[]
  violations: string[]
  replays: number
} & Counts

/**
 * Breaks relays, workers and broker in turn while an older program writes, and looks after each time whether everything is
 * projected and nothing lost; and all the time, that no version goes back and no mark lies. Throws with the seed.
 */
export async function crash(options: CrashOptions, stack: AsyncDisposableStack): Promise<CrashResult> {
  const { users, seed, steps, brokerDownMs, only = '', without = [], say } = options
  const roll = dice(mulberry32(seed))
  const stage = await setStage(stack, users, seed)
  const writer = startWriter(stage.database, users, dice(mulberry32(seed + 1)))
  stack.defer(writer.stop)
  const watching = watch(stage)
  stack.defer(watching.stop)
  const counts: Counts = { kills: 0, rebalances: 0, injected: 0, garbage: 0 }
  const byAction: Record<string, number> = {}
  const settledMs: number[] = []
  const names = Object.keys(ACTIONS).filter((name) => name.includes(only) && !without.includes(name))

  const settled = async (what: string): Promise<void> => {
    writer.pause()
    const tookMs = await settle(stage, SETTLE_LIMIT_MS).catch(async (error) => {
      const behind = (await unsettled(stage)).flatMap((fault) => /^user (\d+)/.exec(fault)?.[1] ?? [])
      const where = await stage.harness.trace(behind.slice(0, 5)).catch(String)
      throw new Error(`after ${what}, seed ${seed}: ${error.message}\n${where}`)
    })
    settledMs.push(tookMs)
    await untilMarked(stage, SETTLE_LIMIT_MS).catch((error) => {
      throw new Error(`after ${what}, seed ${seed}: ${error.message}`)
    })
    if (watching.violations.length > 0)
      throw new Error(`during ${what}, seed ${seed}: ${watching.violations.slice(0, 5).join('; ')}`)
    const crashed = [...stage.relays, ...stage.projectors].find((member) => member.crashed())
    if (crashed) throw new Error(`${crashed.name} ended by itself, seed ${seed}:\n${crashed.lastWords()}`)
    writer.resume()
    say(`${what}: settled in ${Math.round(tookMs)} ms; ${writer.writes()} writes, ${counts.kills} kills`)
  }
  const written = (more: number) => {
    const goal = writer.writes() + more
    return until('there are writes', async () => writer.writes() >= goal, SETTLE_LIMIT_MS)
  }
  await settled('the start')
  let replayed = replaysOf(stage)
  for (let step = 1; step <= steps; step += 1) {
    // Each once, in any order, before any comes again.
    const name = names[(step - 1) % names.length] ?? ''
    await written(roll.below(WRITES_BEFORE_A_STEP))
    await ACTIONS[name]?.(stage, roll, counts)
    byAction[name] = (byAction[name] ?? 0) + 1
    if (step % REBALANCE_EVERY === 0) await rebalance(stage, roll, counts)
    await settled(`step ${step}, ${name}`)
    const replays = replaysOf(stage)
    // A loss that was none is mended as well, and would hide one that is not noticed.
    if (replays > replayed && !LOSSES.includes(name))
      throw new Error(`replayed after ${name}, seed ${seed}: nothing was lost`)
    replayed = replays
  }
  if (brokerDownMs > 0) {
    await brokerDown(stage, brokerDownMs)
    await settled(`the broker was down for ${brokerDownMs} ms`)
  }
  await until('all that nobody understands is put aside', async () => (await stage.harness.parked()) === counts.garbage)
  const looks = watching.rounds()
  const published = await stage.harness.published()
  const parked = await stage.harness.parked()
  return {
    seed,
    steps,
    byAction,
    writes: writer.writes(),
    published,
    parked,
    looks,
    settledMs,
    violations: watching.violations,
    replays: replayed,
    ...counts,
  }
}
