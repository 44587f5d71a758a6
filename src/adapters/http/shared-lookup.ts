import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

type Callback = Parameters<LookupFunction>[2]

/**
 * Looks a name up once for all who want it at the same time. A resolver that hangs would hold a thread of libuv's pool for
 * each connection that is tried, and these few are everybody's: Redis, files and the database wait for them as well.
 */
export function sharedLookup(real: LookupFunction = lookup as LookupFunction): LookupFunction {
  const waiting = new Map<string, Callback[]>()
  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options])
    const others = waiting.get(key)
    if (others) {
      others.push(callback)
      return
    }
    const callbacks = [callback]
    waiting.set(key, callbacks)
    real(hostname, options, (...found) => {
      waiting.delete(key)
      for (const answer of callbacks) answer(...found)
    })
  }
}
