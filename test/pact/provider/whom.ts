// What a contract takes from a provider state, Pact's verifier compares by its type only: in an answer or a message about
// somebody else nothing would be found. So it is looked at here, whatever a contract says.
import type { OutgoingMessage } from '../../../src/ports/message-log.ts'
import type { Values } from './followed.ts'

type Json = Record<string, unknown>

/** The last two as the legacy application calls it. */
const NUMBER_FIELDS = ['userId', 'id', 'user']

/** Whether a question names, by number or by username, somebody whom the provider states have made, and nobody else. */
export function isAsked(url: string, given: Values[]): boolean {
  const { pathname, searchParams } = new URL(url, 'http://provider')
  const named = /\/users\/(?:by-username\/)?([^/]+)/.exec(pathname)?.[1] ?? searchParams.get('ids')
  return named !== null && given.some(({ userId, username }) => [userId, username].map(String).includes(named))
}

/** Who else is named in an answer, or in an item of its list. */
export function othersAnswered(body: string, given: Values[]): unknown[] {
  const answer: Json | null = JSON.parse(body)
  const items = Array.isArray(answer?.items) ? answer.items : []
  return [answer, ...items].flatMap((one: Json | null) => [
    ...NUMBER_FIELDS.flatMap((field) => differing(one?.[field], valuesOf('userId', given))),
    ...differing(one?.username, valuesOf('username', given)),
  ])
}

/** Who else is named in a message; one about the roles is about nobody. */
export function othersTold({ key, value }: OutgoingMessage, given: Values[]): unknown[] {
  const { entity, entityId, subject, partitionkey, data } = JSON.parse(String(value))
  if (entity === 'role' || String(subject).startsWith('roles/')) return []
  const said = [key, entityId, partitionkey, subject?.replace(/^users\//, ''), data?.userId]
  return said.filter((one) => one !== null).flatMap((one) => differing(one, valuesOf('userId', given)))
}

const valuesOf = (name: string, given: Values[]): string[] =>
  given.flatMap(({ [name]: value }) => (value === undefined ? [] : [String(value)]))

/** What is not said is no other, and where the states have made nobody there is none. */
function differing(said: unknown, meant: string[]): unknown[] {
  return said === undefined || meant.length === 0 || meant.includes(String(said)) ? [] : [said]
}
