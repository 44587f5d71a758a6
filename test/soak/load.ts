import { setTimeout as delay } from 'node:timers/promises'
import { exchange } from '../../bench/processes.ts'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { type Client, client } from './client.ts'
import { type CommandDeps, commandOnce } from './commands.ts'
import { foreignWrite } from './foreign.ts'
import type { ForeignWritten } from './foreign-writer.ts'
import type { Acknowledged } from './knowledge.ts'
import { modelWithoutPersonal } from './model.ts'
import type { Outbox } from './outbox.ts'
import type { Probes } from './probes.ts'
import { type ReadDeps, readOnce } from './reads.ts'
import { registerOnce } from './registrations.ts'
import type { Stage } from './stage.ts'

/** Bounded, and far from saturation: what is looked for are wrong answers, not the limits of the machine. */
const READERS_AN_API = 4
const COMMANDERS = 3
const READ_PAUSE_MS = 8
const COMMAND_PAUSE_MS = 30
const FOREIGN_PAUSE_MS = 40
const REGISTER_PAUSE_MS = 700
const OUTBOX_PAUSE_MS = 50
const PROBE_CHANCE = 0.3
/** One of so many. */
const PROBED_COMMANDS = 4

export type LoadDeps = Omit<ReadDeps, 'variant'> & CommandDeps & { probes: Probes; outbox: Outbox; seed: number }
export type Load = { stop(): Promise<void>; failed: Promise<never>; foreignWrites(): { done: number; refused: number } }

/** Readers, commanders and another program, each in a loop of its own, until it is stopped. */
export function startLoad(stage: Stage, deps: LoadDeps): Load {
  const { all, reader } = stage.credentials
  const clients: Client[] = []
  const counts = { done: 0, refused: 0 }
  const loops: Promise<void>[] = []
  let over = false
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  const loop = (
    pauseMs: number,
    step: (clients: Client[], roll: ReturnType<typeof dice>) => Promise<void> | void,
    credentials = all,
  ) => {
    const own = stage.addresses.map((api) => client(api, credentials))
    clients.push(...own)
    const roll = dice(mulberry32(deps.seed + loops.length))
    const running = async () => {
      while (!over) {
        await step(own, roll)
        await delay(pauseMs * (0.5 + roll.below(1_000) / 1_000))
      }
    }
    loops.push(running().catch(fail))
  }
  const seeingAll: ReadDeps = { ...deps, variant: 'u' }
  const seeingLess: ReadDeps = { ...deps, variant: 'n', model: modelWithoutPersonal(deps.model) }
  for (let number = 0; number < READERS_AN_API; number += 1) {
    const mayAll = number % 2 === 0
    for (const [index] of stage.addresses.entries()) {
      const read = async (own: Client[], roll: ReturnType<typeof dice>) => {
        const asker = own[index]
        if (asker) await readOnce(mayAll ? seeingAll : seeingLess, asker, roll)
      }
      loop(READ_PAUSE_MS, read, mayAll ? all : reader)
    }
  }
  const commanding = withProbes(deps)
  for (let commander = 0; commander < COMMANDERS; commander += 1) {
    loop(COMMAND_PAUSE_MS, (own, roll) => commandOnce(commanding, roll.pick(own), roll))
  }
  loop(REGISTER_PAUSE_MS, (own, roll) => (deps.people.wantsMore() ? registerOnce(deps, own, roll) : undefined))
  loop(FOREIGN_PAUSE_MS, async (_own, roll) => {
    const written = await exchange<ForeignWritten>(stage.foreign, foreignWrite(deps, roll))
    counts['refusal' in written ? 'refused' : 'done'] += 1
    if ('refusal' in written) return
    for (const [userId, version] of written.versions) {
      const ack: Acknowledged = { version, atMs: written.committedAtMs, by: null, visible: false }
      deps.knowledge.learn(userId, ack)
      if (written.changeIds[1] >= written.changeIds[0]) deps.outbox.track(ack, written.changeIds)
      if (userId > 0 && roll.chance(PROBE_CHANCE)) deps.probes.start('foreign', userId, ack)
    }
  })
  loop(OUTBOX_PAUSE_MS, () => deps.outbox.look())

  return {
    failed,
    foreignWrites: () => counts,
    async stop() {
      over = true
      await Promise.all(loops)
      await deps.probes.settle()
      for (const one of clients) one.close()
    },
  }
}

/** Some of the acknowledged commands are looked for at the other API. */
function withProbes(deps: LoadDeps): CommandDeps {
  let commands = 0
  const learn: CommandDeps['knowledge']['learn'] = (userId, ack) => {
    deps.knowledge.learn(userId, ack)
    commands += 1
    if (userId > 0 && ack.visible && commands % PROBED_COMMANDS === 0) deps.probes.start('own', userId, ack)
  }
  return { ...deps, knowledge: { ...deps.knowledge, learn } }
}
