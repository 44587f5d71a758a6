import { setTimeout as delay } from 'node:timers/promises'
import type { Credentials } from '../../bench/credentials.ts'
import { type Dice, dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { type Answered, type Asker, asker, type Question, type Unanswered } from './asker.ts'
import type { Balancer } from './balancer.ts'
import type { Ledger } from './ledger.ts'
import type { Phases } from './phases.ts'

/** Shares of the rate. The rest is tills that keep their connection. */
const WITHOUT_KEEP_ALIVE = 0.15
const WRITES = 0.12
const LISTS = 0.02
const PERMISSIONS = 0.15
/** Of writers' questions after a write, those that name the version that they have seen. */
const MIN_VERSION = 0.5
const TILLS = 16
const PASSERS_BY = 4
const WRITERS = 4
/** Tills that ask so seldom that they have nothing under way while a pod drains: they find their connection closed. */
const SELDOM = 8
const SELDOM_PAUSE_MS = 4_000
const AFTER_FAILURE_MS = 100
const MS_A_SECOND = 1_000

export type Load = { stop(): Promise<void>; failed: Promise<never> }
type Options = {
  balancer: Pick<Balancer, 'port' | 'podOf'>
  credentials: Credentials
  users: number
  /** Those who are written; each has one writer. */
  written: number[]
  /** Requests a second, of all together. */
  rate: number
  seed: number
  /** Longest wait for an answer. */
  limitMs: number
  phases: Phases
  ledger: Ledger
  /** Of a user's tag, all before the version. */
  tagBase: string
}
type Step = (own: Asker, roll: Dice) => Promise<unknown>

/** Readers and writers, each in a loop of its own with pauses, until it is stopped. A command is repeated until it is answered. */
export function startLoad({
  balancer,
  credentials,
  users,
  written,
  rate,
  seed,
  limitMs,
  phases,
  ledger,
  tagBase,
}: Options): Load {
  const loops: Promise<void>[] = []
  const closing: (() => void)[] = []
  let over = false
  let commands = 0
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => undefined)

  const loop = (pauseMs: number, keepAlive: boolean, step: Step) => {
    const own = asker({ ...balancer, credentials, keepAlive, limitMs })
    closing.push(own.close)
    const roll = dice(mulberry32(seed + loops.length))
    const running = async () => {
      await delay(roll.below(pauseMs))
      while (!over) {
        await step(own, roll)
        await delay(pauseMs * (0.5 + roll.below(1_000) / 1_000))
      }
    }
    loops.push(running().catch(reject))
  }
  const read: Step = async (own, roll) => {
    const userId = roll.chance(0.5) ? roll.pick(written) : 1 + roll.below(users)
    if (roll.chance(LISTS))
      return counted(
        own,
        { method: 'GET', path: `/v1/branches/B${String(1 + roll.below(9)).padStart(3, '0')}/users?limit=20` },
        phases,
      )
    if (roll.chance(PERMISSIONS))
      return counted(own, { method: 'GET', path: `/v1/users/${userId}/permissions` }, phases)
    await readOne(own, userId, 0)
  }
  const readOne = async (own: Asker, userId: number, minVersion: number) => {
    const headers: Record<string, string> = minVersion > 0 ? { 'min-version': `user=${minVersion}` } : {}
    const answer = await counted(own, { method: 'GET', path: `/v1/users/${userId}`, headers }, phases)
    if (answer === null) return
    const complaint =
      answer.status === 200
        ? ledger.judge(userId, minVersion, answer)
        : `user ${userId}: status ${answer.status} with ${minVersion} wanted`
    phases.wrong(answer.sentAtMs, complaint)
  }
  const write = (writer: number): Step => {
    const suspended = new Set<number>()
    const mine = written.filter((_, index) => index % WRITERS === writer)
    return async (own, roll) => {
      const userId = roll.pick(mine)
      commands += 1
      const before = ledger.newest(userId) ?? 0
      const { question, title, done } = commandOn(userId, commands, suspended, roll, ledger, tagBase)
      let answer: Answered | null = null
      // For as long as it takes: whether it was done before shows in the version that it ends with.
      for (let attempt = 1; answer === null; attempt += 1) {
        answer = await counted(own, question, phases)
        // Somebody has written since, and nobody else writes: it was done before, and its answer was lost.
        if (answer?.status === 412 && attempt > 1) {
          const headers = { 'min-version': `user=${before + 1}` }
          answer = await counted(own, { method: 'GET', path: `/v1/users/${userId}`, headers }, phases)
        }
        if (answer !== null && answer.status !== 200) {
          phases.wrong(answer.sentAtMs, `${question.path}: status ${answer.status} ${answer.text}`)
          answer = null
        }
        if (answer === null && over) return
      }
      phases.written(answer.sentAtMs)
      phases.wrong(answer.sentAtMs, ledger.acknowledge(userId, title, answer))
      done()
      await readOne(own, userId, roll.chance(MIN_VERSION) ? (ledger.newest(userId) ?? 0) : 0)
    }
  }
  const pause = (loopsOfKind: number, share: number) => (MS_A_SECOND * loopsOfKind) / (rate * share)
  for (let i = 0; i < TILLS; i += 1) loop(pause(TILLS, 1 - WITHOUT_KEEP_ALIVE - WRITES), true, read)
  for (let i = 0; i < PASSERS_BY; i += 1) loop(pause(PASSERS_BY, WITHOUT_KEEP_ALIVE), false, read)
  for (let i = 0; i < WRITERS; i += 1) loop(2 * pause(WRITERS, WRITES), true, write(i))
  for (let i = 0; i < SELDOM; i += 1) loop(SELDOM_PAUSE_MS, true, read)

  return {
    failed,
    async stop() {
      over = true
      await Promise.all(loops)
      for (const close of closing) close()
    },
  }
}

/**
 * A new title, or a suspension. Either is safe to repeat, however late the first attempt is carried out: by If-Match, or by an
 * Idempotency-Key. Without them a command that waits in a process that stands still would undo later ones when it goes on.
 */
function commandOn(
  userId: number,
  number: number,
  suspended: Set<number>,
  roll: Dice,
  ledger: Ledger,
  tagBase: string,
) {
  const base = `/v1/users/${userId}`
  if (roll.chance(0.5)) {
    const title = `Rehearsed ${number}`
    const headers = { 'if-match': `"${tagBase}${ledger.newest(userId)}"` }
    return {
      question: { method: 'PATCH', path: base, headers, body: { jobTitle: title } },
      title,
      done: () => undefined,
    }
  }
  const verb = suspended.has(userId) ? 'reinstate' : 'suspend'
  const question = { method: 'POST', path: `${base}/${verb}`, headers: { 'idempotency-key': `rehearsal-${number}` } }
  const done = () => void (verb === 'suspend' ? suspended.add(userId) : suspended.delete(userId))
  return { question, title: ledger.titleOf(userId) ?? null, done }
}

/** The answer, or null when there was none, or one with 5xx: then it is counted among what failed. */
async function counted(own: Asker, question: Question, phases: Phases): Promise<Answered | null> {
  let answer: Answered | Unanswered = await own.ask(question)
  if ('reason' in answer && answer.mayRepeat && question.method === 'GET') {
    phases.repeated(answer.sentAtMs)
    answer = await own.ask(question)
  }
  if ('reason' in answer) {
    phases.failed(answer, answer.reason)
    await delay(AFTER_FAILURE_MS)
    return null
  }
  phases.answered(answer)
  if (answer.status < 500 && answer.status !== 429) return answer
  phases.failed(answer, `${answer.status} ${/"code":"([a-z-]+)"/.exec(answer.text)?.[1] ?? ''}`)
  await delay(AFTER_FAILURE_MS)
  return null
}
