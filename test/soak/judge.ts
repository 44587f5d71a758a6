import { setTimeout as delay } from 'node:timers/promises'
import type { Complaint } from './checks.ts'
import { type Client, NoAnswerError, type Reply, type Request } from './client.ts'
import type { Knowledge } from './knowledge.ts'
import { describeReply, type Tally } from './tally.ts'
import type { Timeline } from './timeline.ts'

/** Whoever is not there is not asked again at once: thousands of refused connections would keep it from starting. */
const AFTER_NO_ANSWER_MS = 150
/** An answer that was on its way when a fault ended was under its influence. */
const AFTER_FAULT_MS = 1_000

type Deps = {
  tally: Tally
  timeline: Timeline
  knowledge: Knowledge
  answered(api: string, atMs: number): void
  seed: number
}
export type Judge = ReturnType<typeof judgeOf>

/** Asks, and says of each answer whether it may be. */
export function judgeOf({ tally, timeline, knowledge, answered, seed }: Deps) {
  const complain = (what: string, atMs: number, details: string, userId?: number) => {
    const known = userId === undefined ? '' : `\n    known of user ${userId}: ${knowledge.describe(userId)}`
    tally.complain(`${what}\n    ${timeline.describe(atMs)}; seed ${seed}\n    ${details}${known}`)
  }
  const duringFault = (fromMs: number, toMs: number) => timeline.faultDuring(fromMs - AFTER_FAULT_MS, toMs)

  return {
    complain,
    /** The answer, or null when there is none that says anything: refused for now, or a process was gone. */
    async ask(client: Client, kind: string, request: Request): Promise<Reply | null> {
      tally.request(kind)
      const reply = await client.ask(request).catch((error: unknown) => {
        if (!(error instanceof NoAnswerError)) throw error
        tally.error(`no answer: ${error.message.replace(/127\.0\.0\.1:\d+/, client.api)}`)
        if (!timeline.downDuring(client.api, error.sentAtMs, error.untilMs)) {
          complain(
            `no answer of a process that is there: ${error.message}`,
            error.sentAtMs,
            `${client.api}: ${request.method} ${request.path}`,
          )
        }
        return null
      })
      if (reply === null) {
        await delay(AFTER_NO_ANSWER_MS)
        return null
      }
      const { status, sentAtMs, receivedAtMs } = reply
      if (status < 500) {
        answered(client.api, receivedAtMs)
        if (status === 200) tally.source(reply.header('read-from') ?? '-')
        return reply
      }
      tally.error(`${status} ${codeOf(reply)}`)
      if (status !== 503) complain(`status ${status}`, sentAtMs, describeReply(reply))
      else if (reply.header('retry-after') === null) complain('503 without Retry-After', sentAtMs, describeReply(reply))
      else if (!duringFault(sentAtMs, receivedAtMs)) tally.refusedInCalm()
      return null
    },
    verdict(reply: Reply, complaint: Complaint, userId?: number): void {
      if (complaint !== null) complain(complaint, reply.sentAtMs, describeReply(reply), userId)
    },
  }
}

export function codeOf({ text }: Reply): string {
  return /"code":"([a-z-]+)"/.exec(text)?.[1] ?? '-'
}
