import type { Redis } from 'ioredis'
import { type Cast, castOf } from './cast.ts'
import { simulatedClientOf } from './clients.ts'
import { simulatedDatabase } from './database.ts'
import { entryWatch } from './entries.ts'
import { foreignWrite } from './foreign.ts'
import { type Judge, judgeOf } from './judge.ts'
import type { Modules } from './modules.ts'
import { PRODUCTION } from './modules.ts'
import type { World } from './process.ts'
import { type AnyStep, about, PEOPLE, type Program } from './program.ts'
import { judgeNear, judgeQuiet } from './quiet.ts'
import { type Schedule, schedule as scheduleOf } from './schedule.ts'
import { asItIs, type Command, type Mutate, simulatedServer } from './server.ts'
import { simulateGlobals, type Time } from './simulated-globals.ts'
import { makeTrouble } from './troubles.ts'
import { newcomer } from './truth.ts'
import { feed, look } from './workers.ts'

export type Faults = { mutate?: Mutate; modules?: Partial<Modules> }
export type Simulation = { world: World; cast: Cast; judge: Judge; program: Program; forgetVersions(): void }

/** By whether two schemas are live. */
type Built = Map<boolean, { writes: readonly Command[]; incarnations: Map<string, string> }>

/**
 * Runs programs under schedules, each to its end and then until all is quiet; answers how many tasks there were. Rejects
 * with a Violation, and the schedule that led to it.
 */
export function simulator(redis: Redis, faults: Faults = {}) {
  /** What a worker's build leaves: made once, as everything else is, and then only put there again. */
  const built: Built = new Map()

  return async (program: Program, choices: number[]): Promise<number> => {
    const time = { nowMs: 0 }
    const schedule = scheduleOf(choices)
    const globals = simulateGlobals(schedule, time)
    try {
      const simulation = setUp(redis, faults, program, schedule, time)
      await begin(simulation, built)
      simulation.world.isOld = program.isOld
      act(simulation)
      const tasks = await schedule.run()
      judgeNear(simulation)
      simulation.world.isOld = false
      await judgeQuiet(simulation)
      return tasks
    } catch (error) {
      if (error instanceof Error) error.message += `\n${schedule.trace.map((line) => `    ${line}`).join('\n')}`
      throw error
    } finally {
      globals.restore()
    }
  }
}

function setUp(redis: Redis, { mutate = asItIs, modules }: Faults, program: Program, schedule: Schedule, time: Time) {
  const database = simulatedDatabase(time)
  for (const userId of PEOPLE) {
    database.commit({ users: new Map([[userId, { ...newcomer(userId), branches: ['B1'] }]]) })
  }
  database.forget(database.rows().map(({ changeId }) => changeId))
  const judge = judgeOf(database, () => world.isOld)
  for (const userId of PEOPLE) judge.acknowledge(userId, database.versionOf(userId))
  const entries = entryWatch(database, judge, schedule.fail)
  const server = simulatedServer(redis, mutate, entries.watch, time)
  const world: World = { schedule, database, server, modules: { ...PRODUCTION, ...modules }, isOld: false }
  return { world, judge, program, forgetVersions: entries.forget, cast: castOf(world, judge, program) }
}

async function begin({ world, cast, program }: Simulation, built: Built): Promise<void> {
  const { schedule, server, database } = world
  const { warm, twoSchemas } = program
  const ready = warm ? built.get(twoSchemas) : undefined
  await server.adopt(ready?.writes ?? [])
  for (const [schema, incarnation] of ready?.incarnations ?? []) database.incarnations.set(schema, incarnation)
  if (warm && !ready) {
    for (const worker of twoSchemas ? [cast.worker(0), cast.worker(2)] : [cast.worker(0)]) {
      schedule.add(worker.name, 'prepares', () => void look(worker))
      await schedule.run()
      schedule.add(worker.name, 'prepares', () => void feed(world, worker))
      await schedule.run()
    }
    built.set(twoSchemas, { writes: server.writes(), incarnations: new Map(database.incarnations) })
  }
  for (const { redis } of cast.everybody()) redis.lookAgain()
  await schedule.run()
  schedule.begin()
}

/** Everybody's steps, one after the other for each; who takes the next one is the schedule's to choose. */
function act({ world, cast, judge, program, forgetVersions }: Simulation): void {
  const { schedule } = world
  const milestones = milestonesOf()
  const actor = <Step extends AnyStep>(name: string, steps: Step[], take: (step: Step) => Promise<unknown>) => {
    const next = (index: number) => {
      const planned = steps[index]
      if (!planned) return
      const step = about(program.pool, planned)
      const begin = () => {
        for (const { redis } of cast.everybody()) redis.lookAgain()
        milestones.reach(step.do)
        take(step).then(
          () => {
            milestones.reach(`${step.do} ended`)
            next(index + 1)
          },
          (error: unknown) => schedule.fail(error),
        )
      }
      milestones.after(step.after, () => schedule.add(name, JSON.stringify(step), begin))
    }
    next(0)
  }
  // What comes last goes first, as long as nothing else is chosen.
  actor('trouble', program.trouble, (trouble) =>
    schedule.call('trouble', Object.values(trouble).join(' '), () =>
      makeTrouble(world, cast, judge, forgetVersions, trouble),
    ),
  )
  actor('foreign', program.foreign, (step) => foreignWrite(world, step))
  for (const [i, steps] of program.workers.entries()) {
    actor(`work ${i}`, steps, (step) =>
      unlessDead(cast.worker(i), step.do === 'feed' ? feed(world, cast.worker(i)) : look(cast.worker(i))),
    )
  }
  for (const [i, steps] of program.clients.entries()) {
    actor(`client ${i}`, steps, simulatedClientOf(judge, cast.api))
  }
}

/** Who waits for a step of somebody else's. */
function milestonesOf() {
  const reached = new Set<string>()
  const waiting = new Map<string, (() => void)[]>()
  return {
    after(milestone: string | undefined, go: () => void): void {
      if (milestone === undefined || reached.has(milestone)) go()
      else waiting.set(milestone, [...(waiting.get(milestone) ?? []), go])
    },
    reach(milestone: string): void {
      reached.add(milestone)
      for (const go of waiting.get(milestone) ?? []) go()
      waiting.delete(milestone)
    },
  }
}

/** A worker's keeper survives what goes wrong; when the worker dies, the next one goes on. */
function unlessDead(worker: { orDeath<Answer>(answer: Promise<Answer>): Promise<Answer> }, work: Promise<unknown>) {
  return worker.orDeath(work).catch(() => undefined)
}
