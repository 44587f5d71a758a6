import type { z } from 'zod'
import type { ForcedState, NeighbourName } from '../../domain/neighbours.ts'
import type { BreakerReport, Caller, NeighbourObserver } from '../../ports/neighbours.ts'
import type { Log } from '../../ports.ts'
import { type Asker, attempts, FAIR_SHARE } from './attempt.ts'
import { type BulkheadLimits, bulkhead, Full } from './bulkhead.ts'
import { type CircuitLimits, CircuitOpen } from './circuit.ts'
import { Cancelled, OutOfTime, within } from './deadline.ts'
import { exchange, type Question } from './exchange.ts'
import { Failure } from './failure.ts'
import { openPool, type PoolLimits } from './pool.ts'
import { type RetryLimits, retries } from './retries.ts'
import { type RetryBudgetLimits, retryBudget } from './retry-budget.ts'
import { sparingly } from './sparingly.ts'
import { watchedCircuit } from './watched-circuit.ts'

/** A call, by name: what is asked, and what an answer must be. */
export type CallDescription<Params, Answer> = Pick<Question<Answer>, 'method' | 'answer' | 'none'> & {
  /** Beneath the service's base URL, with its query. */
  path(params: Params): string
  /** Whether it is the answer to what was asked. */
  fits(params: Params, answer: Answer): boolean
}
// biome-ignore lint/suspicious/noExplicitAny: what a call takes and answers is its own.
type Calls = Record<string, CallDescription<any, any>>

export type ServiceLimits = Omit<BulkheadLimits, 'longestWaitMs'> &
  PoolLimits &
  RetryLimits & {
    /** A call may take so long, its waiting and its further attempts among that. */
    callMs: number
    attemptMs: number
    budget: RetryBudgetLimits
    circuit: CircuitLimits
  }
export type ServiceDescription<C extends Calls> = {
  neighbour: NeighbourName
  /** Where it is; null: nobody has said. */
  baseUrl: string | null
  limits: ServiceLimits
  calls: C
}

type Params<D> = D extends CallDescription<infer P, infer _A> ? P : never
type Answer<D> = D extends { answer: z.ZodType<infer A>; none: infer N } ? (N extends null ? A : A | null) : never

export type GuardedClient<C extends Calls> = {
  /** Settles within the caller's time. Rejects with NeighbourError. */
  call<Name extends keyof C & string>(name: Name, params: Params<C[Name]>, caller: Caller): Promise<Answer<C[Name]>>
  /** Whether somebody has said where the service is. */
  isConfigured: boolean
  report(): BreakerReport
  force(forced: ForcedState | null): void
  /** Ends the calls that are under way. */
  close(): Promise<void>
}

/** A POST that may have been carried out is not made again (RFC 9110 section 9.2.2). */
const NOT_IDEMPOTENT = 'POST'

type Deps = { log: Log; observer: NeighbourObserver }

/**
 * The calls of one neighbour, guarded, from the outside in: bulkhead, circuit, retries, attempt. Made once a process;
 * whoever calls knows names and types only.
 */
export function guardedClient<C extends Calls>(service: ServiceDescription<C>, deps: Deps): GuardedClient<C> {
  const { neighbour, baseUrl, limits, calls } = service
  const { log, observer } = deps
  const breaker = watchedCircuit({ neighbour, limits: limits.circuit, log, observer })
  const places = bulkhead({ ...limits, longestWaitMs: longestWaitOf(limits) })
  const leastMs = limits.attemptMs * FAIR_SHARE
  const retrying = retries({ ...limits, leastMs, budget: retryBudget(limits.budget) })
  const closing = new AbortController()
  const server = baseUrl === null ? null : openPool(baseUrl, limits)
  if (server !== null) observer.changed(neighbour, 'closed')
  const attempt =
    server && attempts({ ...limits, neighbour, ask: exchange({ ...server, ...told(service, log, server) }) })

  const guarded = (question: Question<unknown>, caller: Caller): Promise<unknown> => {
    if (attempt === null) return Promise.reject(new Failure(neighbour, 'not-configured'))
    const latestMs = performance.now() + limits.callMs
    const untilMs = () => Math.min(latestMs, caller.untilMs)
    const idempotent = question.method !== NOT_IDEMPOTENT
    const once = (asker: Asker) => {
      observer.attempted(neighbour)
      return attempt(question, asker)
    }
    return within({ untilMs, signals: [caller.signal, closing.signal] }, (signal) =>
      places.run(signal, () =>
        breaker.run((how) =>
          how === 'trying'
            ? // For all who come later: whoever was the first may have no time to see how it ends, or leave.
              once({ untilMs: () => Number.POSITIVE_INFINITY, signal: closing.signal })
            : retrying({ idempotent, untilMs, signal }, () => once({ untilMs, signal })),
        ),
      ),
    )
  }
  return {
    async call(name, params, caller) {
      const startedMs = performance.now()
      const count = (outcome: Parameters<NeighbourObserver['ended']>[1]) =>
        observer.ended(neighbour, outcome, performance.now() - startedMs)
      try {
        const { path, fits, ...description } = calls[name] as C[typeof name]
        const question = {
          ...description,
          path: `${server?.path}${path(params)}`,
          headers: head(caller),
          fits: (answer: unknown) => fits(params, answer),
        }
        const answer = await guarded(question, caller)
        count('answered')
        return answer as Answer<C[typeof name]>
      } catch (error) {
        const failure = failureOf(neighbour, error)
        count(failure.reason)
        throw failure
      }
    },
    isConfigured: server !== null,
    report: breaker.report,
    force: breaker.force,
    async close() {
      closing.abort()
      breaker.stop()
      await server?.destroy()
    },
  }
}

/** What is wrong is said, but not with every call. */
function told(
  { neighbour }: { neighbour: NeighbourName },
  log: Log,
  server: Pick<ReturnType<typeof openPool>, 'renew'>,
) {
  const warn = sparingly<{ what: string }>((fields) => log.warn({ neighbour, ...fields }, 'a wrong answer'))
  return { neighbour, onWrong: (what: string) => warn({ what }), onMisfit: server.renew }
}

/**
 * Who has waited longer has no time left for a whole attempt. It would be made in vain, and those behind would wait for
 * it: with more calls than a slow neighbour can take, nobody would be answered any more.
 */
function longestWaitOf({ callMs, attemptMs }: ServiceLimits): number {
  return Math.max(callMs - attemptMs, callMs * LEAST_WAIT_SHARE)
}
const LEAST_WAIT_SHARE = 0.25

function head({ requestId, trace }: Caller): Record<string, string> {
  return {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'users-service',
    'x-request-id': requestId,
    ...trace,
  }
}

function failureOf(neighbour: NeighbourName, error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof OutOfTime) return new Failure(neighbour, 'timeout')
  if (error instanceof Cancelled) return new Failure(neighbour, 'cancelled')
  if (error instanceof Full) return new Failure(neighbour, 'overloaded')
  if (error instanceof CircuitOpen) return new Failure(neighbour, 'circuit-open')
  throw error
}
