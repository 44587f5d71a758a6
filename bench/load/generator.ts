import { parentPort } from 'node:worker_threads'
import { monotonicMs } from '../clock.ts'
import type { Answer } from './answer.ts'
import { faultOf, sourceOf } from './check.ts'
import { type Connection, connect } from './connection.ts'
import { complaints, type Load, type LoadResult, type Question } from './load.ts'
import { recorder } from './recorder.ts'

/** What was asked before the end of the time is waited for this long; then it counts as an error. */
const LAST_ANSWER_LIMIT_MS = 10_000

// In a thread of its own, so that nothing else of the benchmark delays a question.
parentPort?.on('message', async (load: Load) => {
  const result = await runLoad(load)
  const { atMs, tookMs, fromDatabase } = result.answers
  parentPort?.postMessage(result, [atMs.buffer, tookMs.buffer, fromDatabase.buffer])
})

/** Asks as each connection's last answer comes in, checks every answer, and resolves after the last one. Never rejects. */
export async function runLoad({ port, connections: count, durationMs, questions, once }: Load): Promise<LoadResult> {
  const record = recorder()
  const faults = complaints()
  const connections = await connectAll(port, count).catch((error: Error) => {
    faults.add(`no connection: ${error.message}`)
    return []
  })
  let asked = 0
  const next = (): Question | undefined => {
    const question = questions[once ? asked : asked % questions.length]
    asked += 1
    return question
  }
  const startedAtMs = monotonicMs()
  const startedCpu = process.threadCpuUsage()
  const endsAt = performance.now() + durationMs
  const toShared = startedAtMs - performance.now()

  await Promise.all(
    connections.map(
      (connection) =>
        new Promise<void>((resolve) => {
          let question: Question | undefined
          let askedAt = 0
          const ask = () => {
            question = performance.now() < endsAt ? next() : undefined
            if (question === undefined) {
              resolve()
              return
            }
            askedAt = performance.now()
            connection.ask(question.request, answered, broken)
          }
          const answered = (answer: Answer) => {
            const now = performance.now()
            const source = sourceOf(answer)
            record.add(now + toShared, now - askedAt, source)
            const fault = question && faultOf(question, answer, source)
            if (fault) faults.add(fault)
            ask()
          }
          // The others go on; one connection less shows in the figures, and the error fails the run.
          const broken = (reason: string) => {
            faults.add(reason)
            resolve()
          }
          setTimeout(connection.close, durationMs + LAST_ANSWER_LIMIT_MS).unref()
          ask()
        }),
    ),
  )
  const elapsedMs = monotonicMs() - startedAtMs
  const { user, system } = process.threadCpuUsage(startedCpu)
  for (const connection of connections) connection.close()
  const generatorBusy = (user + system) / 1_000 / elapsedMs
  return { ...record.all(), elapsedMs, generatorBusy, errors: faults.count(), complaints: faults.kept }
}

function connectAll(port: number, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => connect(port)))
}
