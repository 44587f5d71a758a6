import { asLearned, CONNECTIONS } from '../cases.ts'
import type { Question } from '../load/load.ts'
import type { Learned } from '../people.ts'
import { exchange, type Running } from '../processes.ts'
import { type Measured, measureLoad } from '../rounds.ts'
import { type Data, type Stage, serviceEnv } from '../stage.ts'
import { warmUp } from '../warm-up.ts'
import type { Admission, Ports, ServerOrder } from './server.ts'
import { together } from './together.ts'
import { type Shown, startTokens, type Tokens } from './tokens.ts'

/** Listeners that differ in nothing but who may ask. The second of those without is there to show what chance does. */
const LISTENERS = { off: 'off', again: 'off', on: 'on' } as const satisfies Record<string, Admission>
type Listener = keyof typeof LISTENERS

/** `shows`: the token that every request carries; null: no header at all. */
type Case = { at: Listener; shows: Shown | null }
export const AUTHENTICATION_CASES = {
  off: { at: 'off', shows: null },
  'off, once more': { at: 'again', shows: null },
  'off, ES256': { at: 'off', shows: 'ES256' },
  'off, RS256': { at: 'off', shows: 'RS256' },
  'off, RS256, many': { at: 'off', shows: 'RS256, many' },
  'on, ES256': { at: 'on', shows: 'ES256' },
  'on, RS256': { at: 'on', shows: 'RS256' },
  'on, RS256, many': { at: 'on', shows: 'RS256, many' },
} as const satisfies Record<string, Case>
export type AuthenticationCase = keyof typeof AUTHENTICATION_CASES

export type Authentication = {
  /** One each round, in order. */
  measurements: Record<AuthenticationCase, Measured[]>
  /** Of the header's value. */
  tokenBytes: Record<Shown, number>
}

/**
 * In so short a time cases take turns within a round: what else goes on on the machine then hits all alike, and differences
 * of a few percent can be told from chance.
 */
const SLICE_MS = 250
/** By far longer than it takes to ask each question once. */
const REFRESH_LIMIT_MS = 10_000

type Options = { stage: Stage; data: Data; hot: Learned[]; workerPid: number; rounds: number; seconds: number }
type Started = { ports: Record<Listener, number>; running: Running }

/**
 * What it costs the hot read, out of the near cache, to know who asks, to count it and to say so. A new process in each
 * round: no figure hangs on how one of them happened to be compiled or laid out.
 */
export async function measureAuthentication({ stage, data, hot, workerPid, rounds, seconds }: Options) {
  await using stack = new AsyncDisposableStack()
  const { environment, tokens } = await startTokens(stack)
  const asked = new Map(names().map((name) => [name, questionsOf(name, hot, tokens)]))
  const measurements = Object.fromEntries(
    names().map((name) => [name, []]),
  ) as unknown as Authentication['measurements']
  for (let round = 1; round <= rounds; round += 1) {
    const { ports, running } = await start(stage, data, environment)
    for (const name of names()) {
      stage.say(`authentication, round ${round} of ${rounds}: warming up: ${name}`)
      const load = { port: ports[AUTHENTICATION_CASES[name].at], connections: CONNECTIONS, once: false }
      await warmUp(stage.generator, { ...load, questions: asked.get(name) ?? [] }, running.pid)
    }
    stage.say(`authentication, round ${round} of ${rounds}: all in turn`)
    const slices = new Map(names().map((name): [AuthenticationCase, Measured[]] => [name, []]))
    for (let turn = 0; turn < (1_000 * seconds) / SLICE_MS; turn += 1) {
      // There and back, so that nobody always comes after the same one.
      for (const name of turn % 2 === 0 ? names() : names().reverse()) {
        const port = ports[AUTHENTICATION_CASES[name].at]
        const questions = asked.get(name) ?? []
        const load = { port, connections: CONNECTIONS, durationMs: SLICE_MS, questions, once: false }
        // What was read too long ago is read anew, of each case alike, and not only of the one that comes after a pause.
        await stage.generator.run({ ...load, durationMs: REFRESH_LIMIT_MS, once: true })
        const pids = [running.pid, stage.server.pid, workerPid]
        slices.get(name)?.push(await measureLoad(stage.generator, load, pids))
      }
    }
    for (const [name, all] of slices) measurements[name].push(together(all))
    await running.stop()
  }
  const bytes = Object.entries(tokens).map(([shown, all]) => [shown, all[0]?.length ?? 0])
  return {
    measurements,
    tokenBytes: Object.fromEntries(bytes) as Authentication['tokenBytes'],
  } satisfies Authentication
}

function names(): AuthenticationCase[] {
  return Object.keys(AUTHENTICATION_CASES) as AuthenticationCase[]
}

async function start(stage: Stage, data: Data, environment: NodeJS.ProcessEnv): Promise<Started> {
  const running = stage.processes.helper('authentication', 'authentication/server.ts', [])
  const settings = { ...serviceEnv(stage, data), ...environment }
  const admissions = Object.values(LISTENERS)
  const { ports } = await exchange<Ports>(running, { settings, admissions } satisfies ServerOrder)
  const of = Object.keys(LISTENERS).map((listener, i) => [listener, ports[i]])
  return { ports: Object.fromEntries(of) as Started['ports'], running }
}

/** Each terminal asks about one after the other, as all do. */
export function questionsOf(name: AuthenticationCase, hot: Learned[], tokens: Tokens): Question[] {
  const { shows } = AUTHENTICATION_CASES[name]
  if (shows === null) return asLearned(hot, {})
  const shown = tokens[shows]
  return hot.flatMap((one, i) => asLearned([one], { authorization: shown[i % shown.length] ?? '' }))
}
