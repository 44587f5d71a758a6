import type { RateLimits } from '../../ports/rate-limits.ts'
import { networkOf } from './network.ts'
import { type Counters, sharedWindows } from './shared-windows.ts'
import { ticks } from './ticks.ts'
import { windows } from './windows.ts'

/** Requests in a window; 0: no limit. */
type Options = {
  reads: number
  searches: number
  writes: number
  refusals: number
  windowS: number
  /** Called when there is a limit of what is counted together. */
  connect(): Counters
}

/** What is allowed to each caller (docs/decisions/0041). */
export function rateLimits({ reads, searches, writes, refusals, windowS, connect }: Options) {
  const { nowMs, stop } = ticks()
  const here = (limit: number) => windows({ limit, windowS, nowMs })
  const counters = writes === 0 ? null : connect()
  const own = { read: here(reads), search: here(searches) }
  const refused = here(refusals)
  const together = counters && sharedWindows({ limit: writes, windowS, nowMs, counters })
  const limits: RateLimits = {
    here: (load, { key }) => own[load].take(key),
    giveBack: (load, { key }) => own[load].giveBack(key),
    shared: async (_load, { key }) => together?.take(key) ?? null,
    refused: (address, take) => (take ? refused.take(networkOf(address)) : refused.look(networkOf(address))),
  }
  return {
    ...limits,
    stop: async (): Promise<void> => {
      stop()
      counters?.close()
    },
  }
}
