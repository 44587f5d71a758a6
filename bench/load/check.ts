import { type Answer, header, textOf } from './answer.ts'
import type { Question } from './load.ts'

const SHOWN = 120

/** Where the answer came from, by its own account. */
export function sourceOf(answer: Answer): string {
  return header(answer, 'read-from') ?? header(answer, 'visibility') ?? '-'
}

/** What is wrong with the answer; null when nothing is. */
export function faultOf(question: Question, answer: Answer, source: string): string | null {
  const { request, status, from, body, whole } = question
  const fault = (what: string) => `${request.split('\r\n', 1)[0]}: ${what}`
  if (answer.status !== status) return fault(`${answer.status} instead of ${status}: ${textOf(answer).slice(0, SHOWN)}`)
  if (whole ? answer.body !== body : !answer.body.startsWith(body)) {
    return fault(`another body than expected: ${textOf(answer).slice(0, SHOWN)}`)
  }
  if (from !== null && (from === 'database') !== (source === 'database')) return fault(`read from ${source}`)
  return null
}
