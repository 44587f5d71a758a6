import { Verifier, type VerifierOptions } from '@pact-foundation/pact'
import { startService, type TestService } from '../../support/service.ts'
import { SERVICE } from '../kept.ts'
import { messageHandlers } from './messages.ts'
import { publishedBy } from './published.ts'
import { providerStates } from './states.ts'

/** Where the pacts come from, and what becomes of the result. */
export type Verification = Omit<VerifierOptions, 'stateHandlers' | 'messageProviders'>

/** No worker: what commands leave behind stays for whoever looks at what would be published. */
export async function startProvider(environment: Record<string, string> = {}) {
  const service = await startService({ worker: false, environment: { EVENTS: 'on', ...environment } })
  return { service, url: await service.app.listen({ port: 0, host: '127.0.0.1' }) }
}

const STATE_LIMIT_MS = 30_000

/** Rejects with the interactions that do not hold, and the provider states that could not be brought about. */
export async function verify(service: TestService, verification: Verification): Promise<void> {
  const states = providerStates(service)
  const found = await new Verifier({
    ...{ provider: SERVICE, logLevel: 'error', timeout: STATE_LIMIT_MS, failIfNoPactsFound: true },
    ...{ stateHandlers: states.handlers as never, messageProviders: messageHandlers(publishedBy(service)) as never },
    ...verification,
  })
    .verifyProvider()
    .then(() => [], faultsOf)
  const faults = [...states.faults.map((fault) => `provider state ${fault}`), ...found]
  if (faults.length > 0) throw new Error(faults.join('\n'))
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
  return (report.errors ?? []).map(
    ({ interaction, mismatch }) => `${interaction}: ${JSON.stringify(mismatch?.mismatches ?? mismatch)}`,
  )
}
