import { type Dispatcher, errors } from 'undici'
import type { z } from 'zod'
import type { NeighbourName } from '../../domain/neighbours.ts'
import type { NoAnswer } from '../../ports/neighbours.ts'
import { Failure, type Verdict } from './failure.ts'
import { retryAfterMs } from './retry-after.ts'

export type Question<Answer> = {
  method: 'GET' | 'PUT' | 'DELETE' | 'POST'
  path: string
  headers: Record<string, string>
  answer: z.ZodType<Answer>
  /** 404 is an answer, null: there is no such thing. Without this it is a failure. */
  noneIs404: boolean
}
type Deps = {
  neighbour: NeighbourName
  pool: Pick<Dispatcher, 'request'>
  /** Tells what is wrong with an answer, and never what it holds. */
  onWrong(what: string): void
}

/** What a refusal's body may have that is read to keep the connection; a longer one closes it. */
const DUMP_BYTES = 16_384
const MOST_ISSUES_TOLD = 5
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i
/** It says itself that another attempt may do better (RFC 9110 section 15.6, RFC 6585 section 4). */
const AGAIN_LATER = new Set([429, 502, 503, 504])

/** One request and its answer, parsed and checked. Rejects with Failure, or with the signal's reason. */
export function exchange({ neighbour, pool, onWrong }: Deps) {
  const wrong = (what: string) => {
    onWrong(what)
    return new Failure(neighbour, 'wrong-answer')
  }
  return async <Answer>(question: Question<Answer>, signal: AbortSignal): Promise<Answer | null> => {
    const { method, path, headers, noneIs404 } = question
    try {
      const { statusCode, headers: head, body } = await pool.request({ method, path, headers, signal })
      if (statusCode !== 200) {
        await body.dump({ limit: DUMP_BYTES, signal })
        if (statusCode === 404 && noneIs404) return null
        throw refusal(neighbour, statusCode, retryAfterMs(head['retry-after'], Date.now()))
      }
      const fault = faultOfHead(head)
      if (fault !== null) {
        await body.dump({ limit: DUMP_BYTES, signal })
        throw wrong(fault)
      }
      return read(question.answer, await body.text(), wrong)
    } catch (error) {
      if (error instanceof Failure) throw error
      if (signal.aborted) throw signal.reason
      throw asFailure(neighbour, error, wrong)
    }
  }
}

function faultOfHead(head: Record<string, string | string[] | undefined>): string | null {
  if (!JSON_TYPE.test(String(head['content-type'] ?? ''))) return 'its content type is not JSON'
  // None was asked for.
  return head['content-encoding'] === undefined ? null : 'it has a content coding'
}

function read<Answer>(schema: z.ZodType<Answer>, text: string, wrong: (what: string) => Failure): Answer {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw wrong('it is not JSON')
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  // Where and what kind of fault: an issue's message may repeat what was received.
  const issues = parsed.error.issues.slice(0, MOST_ISSUES_TOLD).map(({ path, code }) => `/${path.join('/')} ${code}`)
  throw wrong(`not as agreed: ${issues.join(', ')}`)
}

function refusal(neighbour: NeighbourName, status: number, afterMs: number): Failure {
  if (AGAIN_LATER.has(status)) return new Failure(neighbour, 'unavailable', { again: true, afterMs })
  if (status >= 500) return new Failure(neighbour, 'unavailable')
  // A redirection or an informational answer is not agreed upon; with any 4xx it is well, and we are at fault.
  if (status < 400) return new Failure(neighbour, 'wrong-answer')
  return new Failure(neighbour, 'refused', { verdict: 'well' })
}

/** Errors by undici's, Node's or llhttp's code. */
const CODES: Record<string, [reason: NoAnswer, again: boolean]> = {
  UND_ERR_CONNECT_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_TIMEOUT: ['timeout', true],
  UND_ERR_BODY_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_OVERFLOW: ['wrong-answer', false],
  // Half a body.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['unreachable', true],
}

function asFailure(neighbour: NeighbourName, error: unknown, wrong: (what: string) => Failure): Failure {
  if (error instanceof errors.ResponseExceededMaxSizeError) return wrong('it is too large')
  const code = String((error as { code?: unknown }).code ?? '')
  if (code.startsWith('HPE_')) return wrong(`it is not HTTP: ${code}`)
  const [reason, again] = CODES[code] ?? ['unreachable', true]
  const verdict: Verdict = 'ill'
  return new Failure(neighbour, reason, { verdict, again, cause: error })
}
