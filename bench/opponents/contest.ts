import { CONNECTIONS } from '../cases.ts'
import type { Load, Question } from '../load/load.ts'
import { learnHot, type Person } from '../people.ts'
import { type Measured, measureLoad } from '../rounds.ts'
import { type Data, type Stage, startService } from '../stage.ts'
import { warmUp } from '../warm-up.ts'
import { type Contestant, type ContestantName, makeField, type Skipped } from './contestants.ts'
import type { Tool } from './tools.ts'

/** By contestant, one a round, in the order of the rounds. */
export type Contested = Partial<Record<ContestantName, Measured[]>>
export type ContestResult = { measurements: Contested; skipped: Skipped[] }

type Options = {
  stage: Stage
  data: Data
  /** Who is asked about. */
  people: Person[]
  names: ContestantName[]
  tools: { go: Tool; django: Tool }
  rounds: number
  seconds: number
}

/** Builds the read models, compares everybody's answers with the service's, and lets them take turns. */
export async function contest({ stage, data, people, names, tools, rounds, seconds }: Options): Promise<ContestResult> {
  const service = await startService(stage, data)
  const hot = await learnHot({ port: service.port, headers: data.credentials }, people)
  // Each contestant is started when its turn comes; the worker goes on, because the read models need it.
  await service.serve.stop()
  const { contestants, skipped } = makeField({ stage, data, hot, ...tools }, names)
  for (const { name, why } of skipped) stage.say(`skipped ${name}: ${why}`)
  const entrants: Entrant[] = []
  for (const one of contestants) entrants.push(await enter(one, stage))
  const measurements: Contested = {}
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of entrants) {
      stage.say(`round ${round} of ${rounds}: ${one.name}`)
      const measured = await turn(one, stage, service.work.pid, 1_000 * seconds)
      measurements[one.name] = [...(measurements[one.name] ?? []), measured]
    }
  }
  await service.work.stop()
  return { measurements, skipped }
}

type Entrant = Contestant & { questions: Question[] }

async function enter(one: Contestant, { say }: Stage): Promise<Entrant> {
  say(`comparing answers: ${one.name}`)
  const { port, running } = await one.start()
  try {
    return { ...one, questions: await one.learn(port) }
  } catch (error) {
    throw new Error(`${one.name} does not answer what the service does`, { cause: error })
  } finally {
    await running.stop()
  }
}

/** A new process each time: no round's figure hangs on how one process happened to be compiled or laid out in memory. */
async function turn({ name, start, questions }: Entrant, { generator, server }: Stage, workerPid: number, ms: number) {
  const { port, running } = await start()
  try {
    const load: Load = { port, connections: CONNECTIONS, durationMs: ms, questions, once: false }
    await warmUp(generator, load, running.pid).catch((error: Error) => {
      throw new Error(`warming up ${name}: ${error.message}`)
    })
    return await measureLoad(generator, load, [running.pid, server.pid, workerPid])
  } finally {
    await running.stop()
  }
}
