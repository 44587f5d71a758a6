import { Verifier, type VerifierOptions } from '@pact-foundation/pact'
import { startService, type TestService } from '../../support/service.ts'
import { SERVICE } from '../kept.ts'
import { followed, type State } from './followed.ts'
import { messageHandlers } from './messages.ts'
import { type Published, publishedBy } from './published.ts'
import { providerStates } from './states.ts'

/** Where the pacts come from, and what becomes of the result. */
type Verification = Omit<VerifierOptions, 'stateHandlers' | 'messageProviders' | 'requestFilter'>

/** Nobody is there: the topics' names are read only where a broker is named. */
const PUBLISHING = { EVENTS: 'on', KAFKA_BROKERS: '127.0.0.1:9' }

/** No worker: what commands leave behind stays for whoever looks at what would be published. */
export async function startProvider(environment: Record<string, string> = {}) {
  const service = await startService({ worker: false, environment: { ...PUBLISHING, ...environment } })
  return { service, url: await service.app.listen({ port: 0, host: '127.0.0.1' }) }
}

const STATE_LIMIT_MS = 30_000

/** This service, over what its own commands have done. As `verifyWith`. */
export function verify(service: TestService, verification: Verification): Promise<string[]> {
  return verifyWith(providerStates(service), verification, publishedBy(service))
}

/**
 * Answers which provider states could not be brought about of contracts that are pending. Rejects where an interaction does
 * not hold that has to, with each of them, and with all provider states that could not be.
 */
export async function verifyWith(
  states: Record<string, State>,
  verification: Verification,
  published?: Published,
): Promise<string[]> {
  const interaction = followed(states)
  const { handlers, filter, faults } = interaction
  const found = await new Verifier({
    ...{ provider: SERVICE, logLevel: 'error', timeout: STATE_LIMIT_MS },
    // Nobody may have published yet what they consume of us; a file that is named has to be there.
    failIfNoPactsFound: verification.pactBrokerUrl === undefined,
    ...{ ...verification, stateHandlers: handlers as never, requestFilter: filter as never },
    ...(published && { messageProviders: messageHandlers(published, interaction) as never }),
  })
    .verifyProvider()
    .then(() => [], faultsOf)
  if (found.length > 0) throw new Error([...faults, ...found].join('\n'))
  return faults
}

type Report = { errors?: { interaction: string; mismatch?: { type?: string; mismatches?: unknown[] } }[] }

/** The verifier rejects with all that it knows, as JSON. */
function faultsOf(error: Error): string[] {
  let report: Report
  try {
    report = JSON.parse(error.message)
  } catch {
    return [error.message]
  }
  const { errors = [] } = report
  if (errors.length === 0) return [error.message]
  return errors.map(
    ({ interaction, mismatch }) => `${interaction}: ${JSON.stringify(mismatch?.mismatches ?? mismatch)}`,
  )
}
