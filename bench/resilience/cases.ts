import type { Fault, RequestFault } from '../../test/support/fault-kinds.ts'
import { constantMs, lognormalMs } from '../../test/support/fault-latency.ts'

/**
 * `usual`: the neighbours go wrong, and get well again. `forced-closed`: meanwhile an operator keeps the breakers closed, so
 * that the retry budget is by itself. `unresolvable`: a process whose neighbours' names nobody knows.
 */
export type Arrangement = 'usual' | 'forced-closed' | 'unresolvable'
export type Case = { name: string; arrangement: Arrangement; fault: (() => Fault) | null }

/** The same ones in every run. */
const SEED = 20_26
const UNAVAILABLE: RequestFault = { kind: 'status', status: 503 }

const usual = (name: string, fault: Case['fault']): Case => ({ name, arrangement: 'usual', fault })
const always = (name: string, fault: Fault) => usual(name, () => fault)

export const CASES: Case[] = [
  usual('none', null),
  usual('latency: 100 ms', () => ({ kind: 'latency', ms: constantMs(100) })),
  usual('latency: lognormal, median 20 ms, 6 % over 200 ms', () => ({
    kind: 'latency',
    ms: lognormalMs({ medianMs: 20, sigma: 1.5, seed: SEED }),
  })),
  usual('latency: 2 s', () => ({ kind: 'latency', ms: constantMs(2_000) })),
  always('reset before headers', { kind: 'reset-before-headers' }),
  always('reset after headers', { kind: 'reset-after-headers' }),
  always('half a body', { kind: 'half-body' }),
  always('wrong content type', { kind: 'wrong-content-type' }),
  always('wrong schema', { kind: 'wrong-schema' }),
  always('not JSON', { kind: 'not-json' }),
  always('500', { kind: 'status', status: 500 }),
  always('503, Retry-After: 1', { kind: 'status', status: 503, retryAfter: '1' }),
  always('429, Retry-After: 1', { kind: 'status', status: 429, retryAfter: '1' }),
  always('slow drip: a byte every 20 ms', { kind: 'drip', everyMs: 20 }),
  always('100 MB body', { kind: 'huge' }),
  always('connection refused', { kind: 'refused' }),
  always('blackhole', { kind: 'blackhole' }),
  { name: 'DNS failure', arrangement: 'unresolvable', fault: null },
  always('one in three: 503', { kind: 'sometimes', share: 1 / 3, fault: UNAVAILABLE, seed: SEED }),
  { name: '503, breakers forced closed', arrangement: 'forced-closed', fault: () => UNAVAILABLE },
]

export function caseNamed(name: string): Case {
  const found = CASES.find((one) => one.name === name)
  if (!found) throw new Error(`there is no fault ${name}`)
  return found
}
