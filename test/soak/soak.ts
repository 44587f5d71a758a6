import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from '../../bench/clock.ts'
import { describeHost } from '../../bench/machine.ts'
import { type Dice, dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { MAX_UNPROVED_MS } from '../../src/ports/invalidations.ts'
import { availability } from './availability.ts'
import { client, get } from './client.ts'
import { type Comparison, compareAll } from './compare.ts'
import { FAULTS, faultsInTurn } from './faults.ts'
import { openHistory } from './history.ts'
import { judgeOf } from './judge.ts'
import { type Bounds, knowledge } from './knowledge.ts'
import { ledgerOf } from './ledger.ts'
import { type Load, startLoad } from './load.ts'
import { modelOf } from './model.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { peopleOf } from './people.ts'
import { probes } from './probes.ts'
import type { Results } from './report.ts'
import { type Stage, setStage, untilWhole } from './stage.ts'
import { tally } from './tally.ts'
import { type Timeline, timeline } from './timeline.ts'

export type Options = {
  /** Of load, at most. */
  seconds: number
  /** Each fault so often, at most. */
  rounds: number
  /** Which of FAULTS. */
  faults: string[]
  seed: number
  users: number
  /** Without faults, at the beginning: how long things take here. */
  calmMs: number
  /** Between the end of one fault and the next, at most. */
  pauseMs: number
  say(doing: string): void
}

/** Generous, for machines that others use as well; after the calibration, many times what was measured. */
const FIRST_BOUNDS: Bounds = { nearMs: MAX_UNPROVED_MS, feedMs: 15_000, anyMs: 60_000 }
/** Workers wait up to 5 s after failures; the rest is many times the measured delay. */
const LEAST_FEED_MS = 8_000
const TIMES_MEASURED = 20
/** A mark older than this makes hits be confirmed by the database (design, section 3), plus what looking at it takes. */
const OLD_MARK_MS = 35_000
const WHOLE_LIMIT_MS = 90_000
/** Changes that wait longer than this are behind. */
const BEHIND_MS = 2_000

export async function soak(options: Options, stack: AsyncDisposableStack): Promise<Results> {
  const { seconds, seed, users, calmMs, say } = options
  const roll = dice(mulberry32(seed))
  const counted = tally()
  const times = timeline()
  const crashes: string[] = []
  const stage = await setStage(stack, { users, timeline: times, roll, say, onCrash: (name) => void crashes.push(name) })
  const history = openHistory(stage.path)
  const outbox = openOutbox(stage.path)
  stack.defer(history.close)
  stack.defer(outbox.close)
  const model = modelOf(history.read)
  model.catchUp()
  const available = availability()
  let bounds = FIRST_BOUNDS
  const known = knowledge(() => bounds, times)
  const judge = judgeOf({ tally: counted, timeline: times, knowledge: known, answered: available.answered, seed })
  const ledger = ledgerOf()
  const probing = probes(stage, judge, model, times)
  const deps = {
    model,
    knowledge: known,
    people: peopleOf(users),
    judge,
    ledger,
    probes: probing,
    outbox,
    seed,
    nextId: counter(),
  }
  const stalls = monitorEventLoopDelay()
  stalls.enable()
  const load = startLoad(stage, { ...deps, ...(await learnService(stage)) })
  stack.defer(load.stop)
  say(`load without faults for ${calmMs / 1_000} s, to see how long things take here`)
  await orFail(load, delay(calmMs))
  bounds = calibrated(probing.foreign.calm)
  const endAtMs = monotonicMs() + seconds * 1_000 - calmMs
  const unhandled = await orFail(load, injectFaults(stage, options, { roll, times, outbox, endAtMs }))
  say('load ends; waiting until all is quiet')
  await load.stop()
  unhandled.push(...(await settle(stage, outbox)))
  say('comparing everything')
  const comparison = unhandled.length > 0 ? NOT_COMPARED : await compareAll(stage)
  const { lost, committedUnknown } = ledger.lost(stage.path)
  return {
    date: new Date().toISOString().slice(0, 10),
    host: describeHost(),
    seed,
    seconds,
    users,
    requests: [...counted.requests],
    sources: [...counted.sources],
    errors: [...counted.errors],
    commands: { ...ledger.counts(), committedUnknown },
    foreignWrites: load.foreignWrites(),
    faults: times.faults.map((fault) => ({
      kind: fault.kind,
      wholeAgainMs: (fault.toMs ?? Number.POSITIVE_INFINITY) - fault.fromMs,
      longestGapMs: available.longestGapMs(fault, times),
    })),
    foreign: probing.foreign,
    own: probing.own,
    bounds,
    calmRefusals: counted.calmRefusals(),
    stallMs: stalls.max / 1e6,
    crashes,
    wrongAnswers: counted.wrongAnswers(),
    wrong: [...counted.wrong],
    lost,
    unhandled,
    comparison,
    lastWords: [...stage.apis, ...stage.workers].map(({ name }) => `${name}:\n${stage.processes.lastWords(name)}`),
  }
}

const NOT_COMPARED: Comparison = { users: 0, answers: 0, entries: 0, staleHints: 0, differences: [] }

type Injecting = { roll: Dice; times: Timeline; outbox: Outbox; endAtMs: number }

/** One fault after the other; each is over when everything is whole again. Answers what never was. */
async function injectFaults(
  stage: Stage,
  { faults, rounds, pauseMs, say }: Options,
  { roll, times, outbox, endAtMs }: Injecting,
) {
  for (const kind of faultsInTurn(roll, faults, rounds)) {
    await delay(roll.below(pauseMs))
    if (monotonicMs() > endAtMs) break
    const fault = times.begin(kind, monotonicMs())
    await FAULTS[kind]?.({ ...stage, roll })
    try {
      await untilWhole(stage, WHOLE_LIMIT_MS, () => outbox.oldestAgeMs() < BEHIND_MS)
    } catch (error) {
      return [`after ${kind}: ${error instanceof Error ? error.message : error}`]
    }
    fault.toMs = monotonicMs()
    say(`${kind}: whole again after ${Math.round(fault.toMs - fault.fromMs)} ms`)
  }
  return []
}

/** Nothing is under way any more. Answers what still is, after a time in which it should not. */
async function settle(stage: Stage, outbox: Outbox): Promise<string[]> {
  try {
    await untilWhole(stage, WHOLE_LIMIT_MS, () => outbox.count() === 0)
    return []
  } catch {
    return [`${outbox.count()} changes are left unhandled, or something is not whole`]
  }
}

async function orFail<Value>(load: Load, work: Promise<Value>): Promise<Value> {
  return Promise.race([work, load.failed])
}

/** A near cache answers only while it is proved to have been told of all that was written that long before. */
function calibrated(foreign: number[]): Bounds {
  const feedMs = Math.max(LEAST_FEED_MS, TIMES_MEASURED * Math.max(0, ...foreign))
  return { nearMs: MAX_UNPROVED_MS, feedMs, anyMs: OLD_MARK_MS + feedMs }
}

/** How this service's tags begin, and whether it knows Min-Version. */
async function learnService({ addresses, credentials }: Stage): Promise<{ tagBase: string; minVersions: boolean }> {
  const asker = client({ name: 'api', port: addresses[0]?.port ?? 0 }, credentials.all)
  const plain = await asker.ask(get('/v1/users/1'))
  const demanding = await asker.ask(get('/v1/users/1', { 'min-version': 'user=999999999' }))
  asker.close()
  return {
    tagBase: /^"([^.]+\.\d+)\./.exec(plain.header('etag') ?? '')?.[1] ?? '',
    minVersions: demanding.status === 412,
  }
}

function counter(): () => number {
  let last = 0
  return () => {
    last += 1
    return last
  }
}
