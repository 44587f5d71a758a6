import type { IncomingMessage, ServerResponse } from 'node:http'
import { forAnyName } from './any-name.ts'
import { heldBack } from './held-back.ts'
import { isAsked, othersAnswered } from './whom.ts'

export type Values = Record<string, string | number>
export type Parameters = { [name: string]: unknown }
export type State = (parameters: Parameters) => Promise<Values>
export type Followed = ReturnType<typeof followed>
type Asked = IncomingMessage & { path: string; originalUrl: string }

/** Where Pact's library has provider states brought about, in front of the provider. */
const STATES_PATH = '/_pactSetup'

/**
 * Provider states that count: Pact's library answers the verifier that all is well for one that fails, or that there is
 * not, and what is verified then may even hold. Here no interaction holds whose state is not there: nobody answers what it
 * asks, be it HTTP or a message. Nor does one that asks about somebody whom a state has made, and is answered about somebody
 * else. So the verifier itself takes it for broken, before it tells a broker, and takes into account whether it is pending.
 */
export function followed(states: Record<string, State>) {
  const faults: string[] = []
  let isLacking = false
  /** By the states of the present interaction, each. */
  let given: Values[] = []
  const handler = (name: string) => ({
    async setup(parameters: unknown): Promise<Values> {
      const state = Object.hasOwn(states, name) ? states[name] : undefined
      // So the verifier calls it where an interaction presupposes nothing.
      if (name === '') return {}
      try {
        if (!state) throw new Error('there is no such state')
        const values = await state((parameters ?? {}) as Parameters)
        given.push(values)
        return values
      } catch (error) {
        isLacking = true
        faults.push(`provider state “${name}”: ${(error as Error).message}`)
        return {}
      }
    },
    // The verifier asks for this after each interaction, however it ended.
    async teardown(): Promise<Values> {
      isLacking = false
      given = []
      return {}
    },
  })
  const mayGo = (question: string, body: string): boolean => {
    const others = othersAnswered(body, given)
    if (others.length > 0) faults.push(`${question}: the answer is about ${others.join(', ')}`)
    return others.length === 0
  }
  // An answer, whatever its status, could be the one that a contract expects.
  const filter = (request: Asked, response: ServerResponse, next: () => void): void => {
    const { path, originalUrl: url, method } = request
    const isQuestion = path !== STATES_PATH
    if (isQuestion && isAsked(url, given)) heldBack(response, (body) => mayGo(`${method} ${url}`, body))
    if (isQuestion && isLacking) request.socket.destroy()
    else next()
  }
  return { handlers: forAnyName(handler), filter, faults, given: () => given }
}
