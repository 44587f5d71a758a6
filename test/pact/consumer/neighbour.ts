import { MatchersV3 } from '@pact-foundation/pact'
import type { guardedClient, ServiceLimits } from '../../../src/adapters/http/guarded-client.ts'
import type { Caller, NeighbourObserver } from '../../../src/ports/neighbours.ts'
import { LIMITS } from '../../../src/wiring-neighbours.ts'
import { quiet } from '../../strangler/proxy/rig.ts'

const { regex, string } = MatchersV3

/** Other times than in earnest: a machine that runs tests is late, and nothing here is about that. */
const LONG_MS = 20_000
const PATIENT: ServiceLimits = {
  ...{ ...LIMITS, connectMs: LONG_MS, callMs: LONG_MS, attemptMs: LONG_MS },
  ...{ concurrent: 4, maxAnswerBytes: 16_384 },
  // So that nothing but Retry-After is in the way of a further attempt.
  budget: { share: Number.POSITIVE_INFINITY, calls: 1 },
}
export const IGNORED: NeighbourObserver = {
  ended: () => undefined,
  attempted: () => undefined,
  changed: () => undefined,
}
/** More seconds than a call has: nobody waits for it. */
export const RETRY_AFTER_S = '30'

/** What each of our questions shows (src/adapters/http). */
export const OUR_HEADERS = {
  Accept: 'application/json',
  'X-Request-Id': string('0f6e'),
  'X-Request-Deadline': regex('^[1-9][0-9]{0,5}$', '400'),
}
export const JSON_HEADERS = { 'Content-Type': 'application/json' }
export const RETRY_HEADERS = { 'Retry-After': regex('^[1-9][0-9]*$', RETRY_AFTER_S) }

type Deps = Parameters<typeof guardedClient>[1]
type Asking<Client, T> = {
  open(limits: ServiceLimits, deps: Deps): Client
  ask(client: Client, caller: Caller): Promise<T>
}

/** Asks by the real client. Answers how it ended, and how often it was tried. */
export async function askedBy<Client extends { close(): Promise<void> }, T>({ open, ask }: Asking<Client, T>) {
  let attempts = 0
  const attempted = () => {
    attempts += 1
  }
  const client = open(PATIENT, { log: quiet, observer: { ...IGNORED, attempted } })
  const ended: { answer?: T; reason?: string } = await ask(client, patientCaller()).then(
    (answer) => ({ answer }),
    ({ reason }: { reason: string }) => ({ reason }),
  )
  await client.close()
  return { ...ended, attempts }
}

function patientCaller(): Caller {
  const untilMs = performance.now() + LONG_MS
  return { untilMs, signal: new AbortController().signal, requestId: '0f6e', trace: {} }
}
