import { bulkhead, Full } from './adapters/http/bulkhead.ts'
import { CircuitOpen } from './adapters/http/circuit.ts'
import { Failure } from './adapters/http/failure.ts'
import { Standstill, type StandstillLimits, standstill } from './adapters/http/standstill.ts'
import { watchedCircuit } from './adapters/http/watched-circuit.ts'
import type { LegacyConfig } from './config-legacy.ts'
import type { ProxiedIdentity } from './ports/authentication.ts'
import { NeighbourError, type NeighbourObserver } from './ports/neighbours.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Log } from './ports.ts'
import { type LegacyApplication, legacyApplication } from './strangler/proxy/legacy-application.ts'
import type { LegacyGuard } from './strangler/proxy/parts.ts'
import { showing, type TokensOf, withholding } from './strangler/proxy/withheld.ts'

/**
 * One slow endpoint must not cut off a whole application: a breaker for all of it opens late, when more than half of many
 * calls have had no answer at all, and tries four times a second whether it is back: that costs nobody anything.
 */
export const LEGACY_CIRCUIT = { leastCalls: 20, illPercent: 50, windowMs: 10_000, openMs: 250 } as const
/** Whoever waits longer for a place than this is better told so. */
export const LONGEST_WAIT_MS = 5_000
/** The request that tries may be a large upload, or ask for something slow: the breaker waits no longer for it. */
export const LONGEST_TRY_MS = 5_000

/**
 * A frozen application takes connections and answers nothing: waiting for each deadline it would hold all places for half a
 * minute before the breaker heard of it, which counts all that was answered before. So it is opened at once.
 */
export const LEGACY_STANDSTILL = { least: LEGACY_CIRCUIT.leastCalls, afterMs: 5_000, checkEveryMs: 500 } as const

type Deps = {
  config: LegacyConfig
  /** By whom, and by which tokens, callers are known here. */
  identity: ProxiedIdentity | null
  tokens: TokensOf
  observer: NeighbourObserver
  tracing?: Tracing | null
  log: Log
} & Partial<Patience>
type Patience = { longestTryMs: number; standstillLimits: StandstillLimits }

/** The legacy application behind its bulkhead and breaker; null when nobody has said where it is. */
export function wireLegacy({ config, identity, tokens, observer, tracing = null, log, ...patience }: Deps) {
  const { url, takesTokens } = config
  const { longestTryMs = LONGEST_TRY_MS, standstillLimits = LEGACY_STANDSTILL } = patience
  const breaker = watchedCircuit({ neighbour: 'legacy', limits: LEGACY_CIRCUIT, log, observer })
  const guard = guardOf({ config, breaker, observer, longestTryMs, standstillLimits })
  const withheld = withholding({ identity, tokens: takesTokens ? null : tokens })
  const legacy: LegacyApplication | null =
    url === null ? null : legacyApplication({ ...config, url, withheld, guard: traced(guard, tracing), tracing, log })
  if (legacy !== null) observer.changed('legacy', 'closed')
  return {
    legacy,
    showsOurs: showing({ identity, tokens }),
    breaker: { isConfigured: legacy !== null, report: breaker.report, force: breaker.force },
    async close(): Promise<void> {
      breaker.stop()
      await legacy?.close()
    },
  }
}

function traced(guard: LegacyGuard, tracing: Tracing | null): LegacyGuard {
  if (tracing === null) return guard
  return { run: (signal, steps) => tracing.segment('neighbour legacy', () => guard.run(signal, steps)) }
}

type Breaker = Pick<ReturnType<typeof watchedCircuit>, 'run' | 'open'>

type GuardDeps = Pick<Deps, 'config' | 'observer'> & Patience & { breaker: Breaker }

function guardOf({ config, breaker, observer, longestTryMs, standstillLimits }: GuardDeps): LegacyGuard {
  const still = standstill({ ...standstillLimits, found: breaker.open })
  const places = bulkhead({ ...config, longestWaitMs: LONGEST_WAIT_MS })
  return {
    async run(signal, { head, isSent, rest }) {
      const startedMs = performance.now()
      const tell = (outcome: Parameters<NeighbourObserver['ended']>[1]) =>
        observer.ended('legacy', outcome, performance.now() - startedMs)
      let isAnswered = false
      try {
        await places.run(signal, async () => {
          const answer = await judged(breaker, longestTryMs, () => {
            observer.attempted('legacy')
            return still.watch(head(), isSent).catch((error: unknown) => Promise.reject(failureOf(error)))
          })
          isAnswered = true
          tell('answered')
          await rest(answer)
        })
      } catch (error) {
        const failure = signal.aborted ? new Failure('legacy', 'cancelled', { cause: error }) : failureOf(error)
        if (!isAnswered) tell(failure.reason)
        throw failure
      }
    },
  }
}

/** The breaker judges by the head; one that tries is judged in time, though its client may wait for longer. */
async function judged<Head>(breaker: Breaker, longestTryMs: number, head: () => Promise<Head>): Promise<Head> {
  const begun: { head: Promise<Head> | null } = { head: null }
  try {
    return await breaker.run((how) => {
      const one = head()
      begun.head = one
      return how === 'trying' ? inTime(one, longestTryMs) : one
    })
  } catch (error) {
    if (!(error instanceof Undecided) || begun.head === null) throw error
    return begun.head
  }
}

class Undecided extends Error {}

function inTime<Head>(head: Promise<Head>, ms: number): Promise<Head> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Undecided()), ms)
    head.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Whatever it answers, it is well; what was not asked, or not waited for, says nothing. */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof Full) return new Failure('legacy', 'overloaded', { verdict: 'nothing', cause: error })
  if (error instanceof CircuitOpen) return new Failure('legacy', 'circuit-open', { verdict: 'nothing', cause: error })
  if (error instanceof Standstill) return new Failure('legacy', 'timeout', { cause: error })
  const reason = error instanceof NeighbourError ? error.reason : 'unreachable'
  return new Failure('legacy', reason, { verdict: reason === 'cancelled' ? 'nothing' : 'ill', cause: error })
}
