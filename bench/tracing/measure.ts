import { setTimeout as delay } from 'node:timers/promises'
import { startBare } from '../bare.ts'
import { type Case, type CaseName, CONNECTIONS, makeCases } from '../cases.ts'
import { choosePeople, learnHot } from '../people.ts'
import { exchange } from '../processes.ts'
import { type Measured, measureLoad } from '../rounds.ts'
import { type Data, type Service, type Stage, startServing } from '../stage.ts'
import { warmUp } from '../warm-up.ts'
import type { Environments } from './collectors.ts'

/** `serve`, in nothing different but by whom it is watched. The second without is there to show what chance does. */
export const WATCHED = [
  'none',
  'none, once more',
  'New Relic',
  'New Relic, 1 in 100',
  'OpenTelemetry',
  'OpenTelemetry, 1 in 100',
] as const
export type Watched = (typeof WATCHED)[number]
export const MEASURED_CASES = { near: WATCHED, permission: everyOne(), write: everyOne() } satisfies Partial<
  Record<CaseName, readonly Watched[]>
>
export type MeasuredCase = keyof typeof MEASURED_CASES
export type Tracing = Record<MeasuredCase, Partial<Record<Watched, Measured[]>>>

/** An agent that has not been answered yet records nothing. */
const CONNECTING_MS = 3_000
/** On a machine with much else to do Redis is late, and the database must not answer in its place. */
const PATIENT = { REDIS_READ_DEADLINE_MS: '10000', REDIS_COMMAND_TIMEOUT_MS: '20000' }
const ALL = { TRACING_HOT_ONE_IN: '1' }
const SOME = { TRACING_HOT_ONE_IN: '100' }

function everyOne(): readonly Watched[] {
  return ['none', 'none, once more', 'New Relic', 'OpenTelemetry']
}

type Options = { stage: Stage; data: Data; service: Service; rounds: number; seconds: number }

/** All processes at once, asked in turn within each round: what slows the machine down for a while hits all alike. */
export async function measureTracing({ stage, data, service, rounds, seconds }: Options): Promise<Tracing> {
  const cases = await casesOf({ stage, data, service })
  const measured: Tracing = { near: {}, permission: {}, write: {} }
  for (const name of Object.keys(MEASURED_CASES) as MeasuredCase[]) {
    for (let round = 0; round <= rounds; round += 1) {
      const order = round % 2 === 0 ? MEASURED_CASES[name] : MEASURED_CASES[name].toReversed()
      for (const watched of order) {
        stage.say(`${name}, round ${round} of ${rounds}: ${watched}`)
        const one = cases[watched].find((each) => each.name === name) as Case
        // A new value each: else nothing is written.
        const questions = await one.prepare(round * WATCHED.length + WATCHED.indexOf(watched))
        const load = { port: one.port, connections: CONNECTIONS, questions, once: one.once }
        if (round === 0 && !one.once) await warmUp(stage.generator, load, one.pid)
        const pids = [one.pid, stage.server.pid, service.work.pid]
        const result = await measureLoad(stage.generator, { ...load, durationMs: 1_000 * seconds }, pids)
        if (result.errors > 0) throw new Error(`${name}, ${watched}: ${result.complaints.join('\n')}`)
        if (round === 0) continue
        measured[name][watched] ??= []
        measured[name][watched]?.push(result)
      }
    }
  }
  return measured
}

async function casesOf({ stage, data, service }: Pick<Options, 'stage' | 'data' | 'service'>) {
  const collectors = stage.processes.helper('collectors', 'tracing/collectors.ts', [])
  const { newRelic, openTelemetry } = await exchange<Environments>(collectors, {})
  const environments = {
    none: {},
    'none, once more': {},
    'New Relic': { ...newRelic, ...ALL },
    'New Relic, 1 in 100': { ...newRelic, ...SOME },
    OpenTelemetry: { ...openTelemetry, ...ALL },
    'OpenTelemetry, 1 in 100': { ...openTelemetry, ...SOME },
  } satisfies Record<Watched, NodeJS.ProcessEnv>
  const people = choosePeople(data)
  const hot = await learnHot({ port: service.withoutNear.port, headers: data.credentials }, people.hot)
  const bare = await startBare(stage, hot)
  const cases = {} as Record<Watched, Case[]>
  for (const watched of WATCHED) {
    const { port, running } = await startServing(
      stage,
      data,
      { ...PATIENT, ...environments[watched] },
      `serve-${WATCHED.indexOf(watched)}`,
    )
    const serving = { port, serve: running }
    const its: Service = { ...service, ...serving, withoutNear: serving }
    cases[watched] = await makeCases({ data, service: its, bare, people, hot, redis: stage.redis })
  }
  await delay(CONNECTING_MS)
  return cases
}
