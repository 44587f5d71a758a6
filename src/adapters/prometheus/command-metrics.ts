import {
  type CommandObserver,
  OTHER_OUTCOMES,
  TOKEN_OUTCOMES,
  type TokenObserver,
  type WriteObserver,
} from '../../ports/metrics.ts'
import { counter, type MetricRegistry, measuredGauge } from './families.ts'

/** `codes`: all by which a command can be refused. */
export function commandMetrics(registry: MetricRegistry, codes: readonly string[]): CommandObserver & WriteObserver {
  const outcomes = [...OTHER_OUTCOMES, ...codes]
  const known = new Set(outcomes)
  const commands = counter(registry, {
    name: 'users_commands_total',
    help: 'Commands, by how they ended: done, or the code of the problem that they were answered with.',
    labels: { outcome: outcomes },
  })
  const writes = counter(registry, {
    name: 'users_command_writes_total',
    help: 'Commands that went through, by whether the read models could be told of them before the answer.',
    labels: { visible: ['yes', 'no'] },
  })
  const replays = counter(registry, {
    name: 'users_idempotency_replays_total',
    help: 'Commands that had been carried out before, under the same key, and were given the answer of then.',
    labels: {},
  })
  return {
    ended: (outcome) => commands({ outcome: known.has(outcome) ? outcome : 'failed' }),
    written(isReplay, isVisible) {
      if (isReplay) replays({})
      else writes({ visible: isVisible ? 'yes' : 'no' })
    },
  }
}

export function tokenMetrics(registry: MetricRegistry): TokenObserver {
  const tokens = counter(registry, {
    name: 'users_tokens_total',
    help: 'Tokens whose signature was looked at, by what was found; unverifiable: no key could be had.',
    labels: { outcome: TOKEN_OUTCOMES },
  })
  return { looked: (outcome) => tokens({ outcome }) }
}

type KeysState = { ready: boolean; keysAgeMs: number | null; failing: boolean }
const MS_A_SECOND = 1_000

/** Of the issuer's keys. Only where there is an issuer. */
export function issuerMetrics(registry: MetricRegistry, state: () => KeysState): void {
  measuredGauge(
    registry,
    { name: 'users_issuer_keys_age_seconds', help: 'How long ago the issuer’s keys were last fetched; NaN: never.' },
    () => (state().keysAgeMs ?? Number.NaN) / MS_A_SECOND,
  )
  measuredGauge(
    registry,
    { name: 'users_issuer_keys_ready', help: 'Whether there is a key by which tokens can be verified: 1, else 0.' },
    () => (state().ready ? 1 : 0),
  )
}
