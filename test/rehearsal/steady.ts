import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { monotonicMs } from '../../bench/clock.ts'
import { NOBODY } from './balancer.ts'
import { learnWritten, tagBaseOf, wrongInTheEnd } from './end.ts'
import { type Flatness, flatness } from './flatness.ts'
import { ledgerOf } from './ledger.ts'
import { startLoad } from './load.ts'
import { type Phase, phasesFrom } from './phases.ts'
import type { Settings } from './pods.ts'
import { sampler } from './samples.ts'
import { setStage } from './stage.ts'

const MS_A_SECOND = 1_000
const ANSWER_LIMIT_MS = 20_000

export type SteadyOptions = {
  seconds: number
  sampleEveryS: number
  rate: number
  users: number
  seed: number
  settings: Settings
  /** Planted: what of each request an API process keeps for ever. */
  leak: 'memory' | 'handles' | null
  say(doing: string): void
}
export type Steady = { phase: Phase; measures: Flatness[]; faults: string[]; acknowledged: number }

/** Two APIs, a projector, a worker of jobs and Redis under the same load all the time: does anything grow? */
export async function steady(options: SteadyOptions, stack: AsyncDisposableStack): Promise<Steady> {
  const { seconds, sampleEveryS, rate, users, seed, leak, say } = options
  const resourcesDir = await mkdtemp(join(tmpdir(), 'users-service-steady-'))
  stack.defer(() => rm(resourcesDir, { recursive: true, force: true }))
  const environment = { REHEARSAL_RESOURCES: resourcesDir, ...(leak ? { REHEARSAL_LEAK: leak } : {}) }
  const settings = withPreload(options.settings, leak ? ['resources.ts', 'leak.ts'] : ['resources.ts'])
  const stage = await setStage(stack, {
    settings,
    users,
    seed,
    propagation: { leastMs: 0, mostMs: 0 },
    environment,
    say,
  })
  // One after the other: the first to open a new SQLite file changes its journal, and needs it for itself meanwhile.
  for (const component of ['api', 'api', 'projector', 'jobs'] as const) await stage.start(component, 'here').ready()
  await stage.whole()
  const ledger = ledgerOf()
  learnWritten(stage, ledger)
  const tagBase = await tagBaseOf(stage)
  const phases = phasesFrom(monotonicMs)
  const phase = phases.begin('steady')
  const { balancer, credentials, written } = stage
  const load = startLoad({
    balancer,
    credentials,
    users,
    written,
    rate,
    seed,
    limitMs: ANSWER_LIMIT_MS,
    phases,
    ledger,
    tagBase,
  })
  stack.defer(load.stop)
  const { look, series } = sampler(stage, resourcesDir)
  const fromMs = monotonicMs()
  for (let at = 0; at <= seconds; at += sampleEveryS) {
    await Promise.race([delay(Math.max(0, fromMs + at * MS_A_SECOND - monotonicMs())), load.failed])
    await look((monotonicMs() - fromMs) / MS_A_SECOND)
    phases.waits(stage.outbox.count(), stage.outbox.oldestAgeMs())
    if (at % 60 < sampleEveryS)
      say(`${at} s, ${phase.requests} requests, ${phase.failures.length} failed, ${phase.wrongAnswers} wrong`)
  }
  await load.stop()
  phases.end()
  await stage.whole()
  const measures = series()
    .map(flatness)
    .toSorted((a, b) => a.who.localeCompare(b.who))
  const faults = [
    ...phase.failures.map(({ reason, pod }) => `failed: ${reason} at ${pod === NOBODY ? 'no pod' : pod}`),
    ...phase.wrong,
    ...(await wrongInTheEnd(stage, ledger)),
    ...measures
      .filter(({ flat }) => flat === false)
      .map(({ who, what, first, last }) => `${what} of ${who} grew from ${first.toFixed(1)} to ${last.toFixed(1)}`),
  ]
  return { phase, measures, faults, acknowledged: ledger.acknowledged() }
}

/** Loaded before the service, into each of its processes. */
function withPreload(settings: Settings, files: string[]): Settings {
  const imports = files.map((file) => `--import=${pathToFileURL(join(import.meta.dirname, file))}`).join(' ')
  const loaded = <Component extends { environment: Record<string, string> }>(component: Component): Component => {
    const { NODE_OPTIONS = '' } = component.environment
    return {
      ...component,
      environment: { ...component.environment, NODE_OPTIONS: `${NODE_OPTIONS} ${imports}`.trim() },
    }
  }
  const { api, projector, jobs, redis } = settings
  return { api: loaded(api), projector: loaded(projector), jobs: loaded(jobs), redis }
}
