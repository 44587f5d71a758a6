import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from '../../bench/clock.ts'
import type { Pod } from './kubelet.ts'
import type { Ledger } from './ledger.ts'
import type { Phase, Phases } from './phases.ts'
import { RESCHEDULED_MS, type RedisServer } from './redis-host.ts'
import { leave } from './rollout.ts'
import { type Component, isWhole, type Stage } from './stage.ts'

const LOOK_EVERY_MS = 20
/** Longer than it takes until nobody sends anything there any more, and than the service's own patience anywhere. */
const FROZEN_MS = 20_000
/** Questions that wait at the frozen process until it goes on. */
const PATIENT = 12
const PATIENT_LIMIT_MS = 60_000
const LOCK_WAIT_MS = 50

export type Node = { name: string; redis: RedisServer | null }
type Play = { stage: Stage; phases: Phases; ledger: Ledger; node: Node }

const COMPONENTS: Component[] = ['api', 'projector', 'jobs']

/** Everything on a node is gone at once. Its pods come up elsewhere once it is noticed. Answers who was killed. */
export async function crashNode({ stage, phases, node }: Play, phase: Phase): Promise<string[]> {
  const victims = podsOn(stage, node)
  const atMs = monotonicMs()
  node.redis?.signal('SIGKILL')
  for (const { pod } of victims) pod.kill()
  const [{ pod: api } = {}] = victims.filter(({ component }) => component === 'api')
  if (!api) throw new Error(`no API process on ${node.name}`)
  const isMaster = node.redis === stage.redis.servers[0]
  const redisBack = isMaster ? comeBack(stage, phase, atMs) : Promise.resolve()
  await until(() => !stage.balancer.knows(api.name))
  note(phase, 'nobody is sent there any more after', monotonicMs() - atMs)
  for (const { component, pod } of victims) {
    pod.forget()
    leave(stage, component, pod)
  }
  await delay(RESCHEDULED_MS)
  for (const { component } of victims) stage.start(component, node.name)
  await redisBack
  await stage.redis.whole()
  await stage.whole()
  note(phase, 'all is as before after', monotonicMs() - atMs)
  phases.end()
  return victims.map(({ pod }) => pod.name)
}

/** The master: its pod comes up elsewhere with its volume. */
async function comeBack(stage: Stage, phase: Phase, atMs: number): Promise<void> {
  await stage.redis.takenOver()
  note(phase, 'Redis has a master again after', monotonicMs() - atMs)
  const survivors = () => stage.of('api').filter((pod) => pod.isReady())
  await until(async () => (await Promise.all(survivors().map((pod) => isWhole(pod, stage.direct)))).every(Boolean))
  note(phase, 'reads come from Redis again after', monotonicMs() - atMs)
}

/** Everything on a node stands still, and then goes on as if nothing had been. Answers who stood still. */
export async function freezeNode({ stage, phases, ledger, node }: Play, phase: Phase): Promise<string[]> {
  const victims = podsOn(stage, node)
  const [{ pod: api } = {}] = victims.filter(({ component }) => component === 'api')
  if (!api) throw new Error(`no API process on ${node.name}`)
  const atMs = monotonicMs()
  for (const { pod } of victims) await freezeUnlocked(pod, stage.path)
  node.redis?.signal('SIGSTOP')
  const patient = Array.from({ length: PATIENT }, (_, i) =>
    askDirectly({ stage, phases, ledger }, api, stage.written[i] ?? 1, PATIENT_LIMIT_MS),
  )
  await until(() => !stage.balancer.knows(api.name))
  note(phase, 'nobody is sent there any more after', monotonicMs() - atMs)
  await delay(Math.max(0, FROZEN_MS - (monotonicMs() - atMs)))
  const writtenBefore = ledger.acknowledged()
  node.redis?.signal('SIGCONT')
  for (const { pod } of victims) pod.thaw()
  note(phase, 'it stood still for', monotonicMs() - atMs)
  // At once, before it has been told of anything that happened meanwhile: each user who is written.
  for (const userId of stage.written) await askDirectly({ stage, phases, ledger }, api, userId, PATIENT_LIMIT_MS)
  await Promise.all(patient)
  phase.notes.push(['commands acknowledged until it went on', String(writtenBefore)])
  await stage.redis.whole()
  await stage.whole()
  await until(() => stage.balancer.knows(api.name))
  note(phase, 'all is as before after', monotonicMs() - atMs)
  return victims.map(({ pod }) => pod.name)
}

/** Past the balancer. */
async function askDirectly({ stage, phases, ledger }: Omit<Play, 'node'>, pod: Pod, userId: number, limitMs: number) {
  const own = stage.direct(pod, limitMs)
  const answer = await own.ask({ method: 'GET', path: `/v1/users/${userId}` })
  own.close()
  if ('reason' in answer) phases.failed(answer, answer.reason)
  else if (answer.status === 200) phases.wrong(answer.sentAtMs, ledger.judge(userId, 0, answer))
  else phases.failed(answer, String(answer.status))
}

/**
 * Stops it where it holds no lock: the embedded database is a file, whose lock nobody takes from a process that stands still. A
 * database server has sessions, and its own time after which others no longer wait for them.
 */
async function freezeUnlocked(pod: Pod, path: string): Promise<void> {
  using database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS })
  for (;;) {
    pod.freeze()
    try {
      database.exec('BEGIN IMMEDIATE; ROLLBACK')
      return
    } catch {
      pod.thaw()
      await delay(LOOK_EVERY_MS)
    }
  }
}

function podsOn(stage: Stage, node: Node): { component: Component; pod: Pod }[] {
  return COMPONENTS.flatMap((component) =>
    stage
      .of(component)
      .filter((pod) => pod.node === node.name)
      .map((pod) => ({ component, pod })),
  )
}

const note = (phase: Phase, what: string, ms: number) => void phase.notes.push([what, `${(ms / 1_000).toFixed(1)} s`])

const UNTIL_LIMIT_MS = 120_000
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + UNTIL_LIMIT_MS; !(await condition()); await delay(LOOK_EVERY_MS)) {
    if (Date.now() > deadline) throw new Error('waited in vain')
  }
}
