import { setTimeout as delay } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { monotonicMs } from '../clock.ts'
import { type Connection, connect } from '../load/connection.ts'
import { complaints, type Question } from '../load/load.ts'
import { judged } from './judge.ts'
import type { OpenLoad, OpenResult, Sample } from './open-load.ts'

/** What was asked before the end is waited for this long; then it counts as an error. */
const LAST_ANSWER_LIMIT_MS = 10_000
const LAST_ANSWER_POLL_MS = 5
const BEGINS_AFTER_MS = 20

type Told = Pick<Sample, 'status' | 'verdict' | 'reasons'>
const NO_ANSWER: Told = { status: 0, verdict: 'error', reasons: [] }

// In a thread of its own, so that nothing else of the benchmark delays a question.
let stop = () => {}
parentPort?.on('message', async (message: OpenLoad | 'stop') => {
  if (message === 'stop') return stop()
  const ended = new Promise<void>((resolve) => {
    stop = resolve
  })
  parentPort?.postMessage(await runOpenLoad(message, ended))
})

/** Asks at its rate until `ended`, and resolves after the last answer. Never rejects. */
export async function runOpenLoad(load: OpenLoad, ended: Promise<void>): Promise<OpenResult> {
  const { port, ratePerSecond, questions, first } = load
  const faults = complaints()
  const samples: Sample[] = []
  const idle = await connectAll(port, load.connections, faults.add)
  const waiting: (() => void)[] = []
  /** When those were due that have no answer yet. */
  const open = new Set<number>()
  let asked = 0

  const beginsAt = performance.now() + BEGINS_AFTER_MS
  const toShared = monotonicMs() - performance.now()
  const dueOf = (index: number) => beginsAt + (index * 1_000) / ratePerSecond

  const free = (connection: Connection) => {
    idle.push(connection)
    waiting.shift()?.()
  }
  const note = (due: number, lateMs: number, rest: Told, fault: string | null) => {
    open.delete(due)
    samples.push({ dueAtMs: due + toShared, lateMs, tookMs: performance.now() - due, ...rest })
    if (fault !== null) faults.add(fault)
  }
  const launch = (due: number, question: Question) => {
    const connection = idle.shift()
    if (!connection) {
      waiting.push(() => launch(due, question))
      return
    }
    const lateMs = performance.now() - due
    connection.ask(
      question.request,
      (answer) => {
        const { fault, ...rest } = judged(load.judge, question, answer)
        note(due, lateMs, { status: answer.status, ...rest }, fault)
        free(connection)
      },
      (reason) => {
        note(due, lateMs, NO_ANSWER, reason)
        void connect(port).then(free, (error: Error) => faults.add(error.message))
      },
    )
  }

  let timer: NodeJS.Timeout
  const tick = () => {
    while (dueOf(asked) <= performance.now()) {
      const question = questions[(first + asked) % questions.length]
      if (!question) throw new Error('nothing to ask')
      open.add(dueOf(asked))
      launch(dueOf(asked), question)
      asked += 1
    }
    timer = setTimeout(tick, Math.ceil(dueOf(asked) - performance.now()))
  }
  timer = setTimeout(tick, BEGINS_AFTER_MS)
  await ended
  clearTimeout(timer)
  const limit = performance.now() + LAST_ANSWER_LIMIT_MS
  while (open.size > 0 && performance.now() < limit) await delay(LAST_ANSWER_POLL_MS)
  for (const due of open) note(due, 0, NO_ANSWER, 'no answer in time')
  for (const connection of idle) connection.close()
  return { samples, next: first + asked, complaints: faults.kept }
}

async function connectAll(port: number, count: number, complain: (what: string) => void): Promise<Connection[]> {
  const connections = await Promise.allSettled(Array.from({ length: count }, () => connect(port)))
  return connections.flatMap((one) => {
    if (one.status === 'fulfilled') return [one.value]
    complain(`no connection: ${one.reason}`)
    return []
  })
}
