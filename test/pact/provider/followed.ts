import type { IncomingMessage } from 'node:http'
import { forAnyName } from './any-name.ts'

export type Values = Record<string, string | number>
export type Parameters = { [name: string]: unknown }
export type State = (parameters: Parameters) => Promise<Values>
type Asked = IncomingMessage & { path: string }

/** Where Pact's library has provider states brought about, in front of the provider. */
const STATES_PATH = '/_pactSetup'

/**
 * Provider states that count: Pact's library answers the verifier that all is well for one that fails, or that there is
 * not, and what is verified then may even hold. Here no interaction holds whose state is not there: nobody answers what it
 * asks, be it HTTP or a message. So the verifier itself takes it for broken, before it tells a broker, and takes into
 * account whether it is pending.
 */
export function followed(states: Record<string, State>) {
  const faults: string[] = []
  let isLacking = false
  const handler = (name: string) => ({
    async setup(parameters: unknown): Promise<Values> {
      const state = Object.hasOwn(states, name) ? states[name] : undefined
      // So the verifier calls it where an interaction presupposes nothing.
      if (name === '') return {}
      try {
        if (!state) throw new Error('there is no such state')
        return await state((parameters ?? {}) as Parameters)
      } catch (error) {
        isLacking = true
        faults.push(`provider state “${name}”: ${(error as Error).message}`)
        return {}
      }
    },
    // The verifier asks for this after each interaction, however it ended.
    async teardown(): Promise<Values> {
      isLacking = false
      return {}
    },
  })
  // An answer, whatever its status, could be the one that a contract expects.
  const filter = (request: Asked, _: unknown, next: () => void): void => {
    if (isLacking && request.path !== STATES_PATH) request.socket.destroy()
    else next()
  }
  return { handlers: forAnyName(handler), filter, faults }
}
