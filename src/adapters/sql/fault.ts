import { DomainError } from '../../domain/errors.ts'
import { SqlError } from './errors.ts'

const MAX_LENGTH = 200
const PLACE = /^ +at .*?\b((?:src|workers)\/[\w./-]+\.ts:\d+)/

/**
 * What failed, and where in our code. Never an error's message: what a parser or a driver complains of is often the very
 * text that somebody is called, and this is kept and shown.
 */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return 'something was thrown that is no error'
  const name = /^\w+$/.test(error.name) ? error.name : 'Error'
  return [name, detailOf(error), placeOf(error)]
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, MAX_LENGTH)
}

function detailOf(error: Error): string {
  if (error instanceof SqlError) return [error.kind, codeOf(error.cause)].filter(Boolean).join(' ')
  if (error instanceof DomainError) return error.code
  // Redis begins each refusal with a word for the kind: WRONGTYPE, ERR …
  if (error.name === 'ReplyError') return /^[A-Z]+\b/.exec(error.message)?.[0] ?? ''
  return codeOf(error)
}

/** The driver's or the system's own: `ECONNRESET`, 1, -1213. */
function codeOf(error: unknown): string {
  const { errcode, sqlcode, code } = Object(error) as Record<string, unknown>
  const found = [errcode, sqlcode, code].find((value) => value !== undefined)
  return typeof found === 'number' || (typeof found === 'string' && /^[A-Z0-9_]+$/.test(found)) ? String(found) : ''
}

/** The first line of ours; rather not in a driver's adapter, which every statement passes through. */
function placeOf({ message, stack = '' }: Error): string {
  // The message stands before the calls, and may look like one.
  const calls = stack.slice(stack.indexOf(message) + message.length).split('\n')
  const places = calls.flatMap((call) => (call.includes('/node_modules/') ? [] : (PLACE.exec(call)?.[1] ?? [])))
  const place = places.find((each) => !/^src\/adapters\/(?!sql\/)/.test(each)) ?? places[0]
  return place === undefined ? '' : `at ${place}`
}
