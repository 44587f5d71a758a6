import { type Dispatcher, errors } from 'undici'
import type { z } from 'zod'
import type { NeighbourName } from '../../domain/neighbours.ts'
import type { NoAnswer } from '../../ports/neighbours.ts'
import { Failure } from './failure.ts'
import { retryAfterMs } from './retry-after.ts'

export type Question<Answer> = {
  method: 'GET' | 'PUT' | 'DELETE' | 'POST'
  path: string
  headers: Record<string, string>
  answer: z.ZodType<Answer>
  /** Of the body of a 404 that is an answer, null: there is no such thing. Any other 404 comes from somebody in between. */
  none: z.ZodType | null
  /** Whether it is the answer to this question: one that came too late may be taken for the next one's. */
  fits(answer: Answer): boolean
}
type Deps = {
  neighbour: NeighbourName
  request: Dispatcher['request']
  /** Tells what is wrong with an answer, and never what it holds. */
  onWrong(what: string): void
  /** An answer to another question came. */
  onMisfit(): void
}

/** What a refusal's body may have that is read to keep the connection; a longer one closes it. */
const DUMP_BYTES = 16_384
const MOST_ISSUES_TOLD = 5
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json *(?:;|$)/i
/** It says itself that another attempt may do better (RFC 9110 section 15.6, RFC 6585 section 4). */
const AGAIN_LATER = new Set([429, 502, 503, 504])

/** One request and its answer, parsed and checked. Rejects with Failure, or with the signal's reason. */
export function exchange(deps: Deps) {
  const { neighbour, request, onWrong, onMisfit } = deps
  const wrong = (what: string) => {
    onWrong(what)
    return new Failure(neighbour, 'wrong-answer')
  }
  const parsed = async <Answer>(schema: z.ZodType<Answer>, { headers, body }: Dispatcher.ResponseData) => {
    const fault = faultOfHead(headers)
    if (fault === null) return read(schema, await body.text(), wrong)
    await body.dump({ limit: DUMP_BYTES })
    throw wrong(fault)
  }
  const answered = async <Answer>(question: Question<Answer>, response: Dispatcher.ResponseData) => {
    if (response.statusCode === 200) {
      const answer = await parsed(question.answer, response)
      if (question.fits(answer)) return answer
      onMisfit()
      throw wrong('it is the answer to another question')
    }
    if (response.statusCode === 404 && question.none !== null) {
      await parsed(question.none, response)
      return null
    }
    await response.body.dump({ limit: DUMP_BYTES })
    throw refusal(deps, response)
  }
  return async <Answer>(question: Question<Answer>, signal: AbortSignal): Promise<Answer | null> => {
    const { method, path, headers } = question
    try {
      return await answered(question, await request({ method, path, headers, signal }))
    } catch (error) {
      if (error instanceof Failure) throw error
      if (signal.aborted) throw signal.reason
      throw asFailure(neighbour, error, wrong)
    }
  }
}

function faultOfHead(head: Record<string, string | string[] | undefined>): string | null {
  if (!JSON_TYPE.test(String(head['content-type'] ?? ''))) return 'its content type is not JSON'
  const coding = head['content-encoding'] ?? 'identity'
  return coding === 'identity' ? null : 'it has a content coding'
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

function refusal({ neighbour, onWrong }: Deps, { statusCode, headers }: Dispatcher.ResponseData): Failure {
  if (AGAIN_LATER.has(statusCode)) {
    const afterMs = retryAfterMs(headers['retry-after'], Date.now())
    return new Failure(neighbour, 'unavailable', { again: true, afterMs })
  }
  if (statusCode >= 500) return new Failure(neighbour, 'unavailable')
  onWrong(`status ${statusCode}`)
  // A redirection is not agreed upon. A 404 that is none of its own comes from somebody who does not find it.
  if (statusCode < 400 || statusCode === 404) return new Failure(neighbour, 'wrong-answer')
  // With any other 4xx it is well, and we are at fault.
  return new Failure(neighbour, 'refused', { verdict: 'well' })
}

/** Errors by undici's or Node's code. */
const CODES: Record<string, [reason: NoAnswer, again: boolean]> = {
  UND_ERR_CONNECT_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_TIMEOUT: ['timeout', true],
  UND_ERR_BODY_TIMEOUT: ['timeout', true],
  UND_ERR_HEADERS_OVERFLOW: ['wrong-answer', false],
}

function asFailure(neighbour: NeighbourName, error: unknown, wrong: (what: string) => Failure): Failure {
  if (error instanceof errors.ResponseExceededMaxSizeError) return wrong('it is too large')
  if (error instanceof errors.HTTPParserError) return wrong('it is not HTTP')
  const code = String((error as { code?: unknown }).code ?? '')
  // What is not known has to do with the connection, half a body among that.
  const [reason, again] = CODES[code] ?? ['unreachable', true]
  return new Failure(neighbour, reason, { again, cause: error })
}
