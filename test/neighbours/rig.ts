import type { TestContext } from 'node:test'
import { guardedClient, type ServiceLimits } from '../../src/adapters/http/guarded-client.ts'
import { describePeople, type PeopleClient } from '../../src/adapters/http/people-service.ts'
import type { Employment } from '../../src/domain/neighbours.ts'
import type { Caller, NeighbourObserver } from '../../src/ports/neighbours.ts'
import { type FaultServer, startFaultServer } from '../support/fault-server.ts'
import { quiet } from '../support/service.ts'

export const LATER_MS = 60_000
export const LIMITS: ServiceLimits = {
  concurrent: 16,
  waiting: 64,
  attempts: 3,
  firstPauseMs: 1,
  longestPauseMs: 4,
  callMs: 2_000,
  attemptMs: 1_000,
  connectMs: 500,
  maxAnswerBytes: 100_000,
  idleMs: 4_000,
  connectionTtlMs: LATER_MS,
  budget: { share: 0.1, calls: 200 },
  circuit: { leastCalls: 5, illPercent: 50, windowMs: LATER_MS, openMs: LATER_MS },
}
/** A circuit that never opens: for what is behind it. */
export const NEVER_OPEN = { ...LIMITS.circuit, leastCalls: 1_000_000 }

export const EMPLOYMENT: Employment = {
  employeeNumber: 'E-1',
  department: 'Sales',
  manager: null,
  startDate: '2020-01-01',
  leave: null,
}
export const respond = ({ path }: { path: string }) =>
  path.endsWith('/E-1') ? { status: 200, body: EMPLOYMENT } : { status: 404, body: { code: 'employment-not-found' } }

export type Options = {
  limits?: Partial<ServiceLimits>
  make?: typeof guardedClient
  observer?: Partial<NeighbourObserver>
  log?: Parameters<typeof guardedClient>[1]['log']
}
export type Rig = { server: FaultServer; client: PeopleClient; ask(caller?: Partial<Caller>): Promise<string> }

export const IGNORED: NeighbourObserver = {
  ended: () => undefined,
  attempted: () => undefined,
  changed: () => undefined,
}

/** people-service on loopback, and its client. */
export async function openRig(t: Pick<TestContext, 'after'>, options: Options = {}): Promise<Rig> {
  const { limits = {}, make = guardedClient, observer = {}, log = quiet } = options
  const server = await startFaultServer(respond)
  t.after(server.close)
  const service = describePeople(`${server.url}/api`, { ...LIMITS, ...limits })
  const client: PeopleClient = make(service, { log, observer: { ...IGNORED, ...observer } })
  t.after(client.close)
  return { server, client, ask: (caller) => outcome(client, 'E-1', caller) }
}

/** `answered`, or why not. */
export async function outcome(
  client: Pick<PeopleClient, 'call'>,
  employeeNumber: string,
  caller: Partial<Caller> = {},
): Promise<string> {
  try {
    await client.call('employment', employeeNumber, callerWith(caller))
    return 'answered'
  } catch (error) {
    return (error as { reason?: string }).reason ?? String(error)
  }
}

export function callerWith(caller: Partial<Caller> = {}): Caller {
  const untilMs = performance.now() + LATER_MS
  return { untilMs, signal: new AbortController().signal, requestId: 'r-1', trace: {}, ...caller }
}

export const times = <T>(count: number, work: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => work(index))
