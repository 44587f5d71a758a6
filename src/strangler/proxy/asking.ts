import { NeighbourError } from '../../ports/neighbours.ts'
import type { LegacyCopy } from '../../ports/strangler.ts'
import { copying } from './copying.ts'
import { type Exchange, exchange } from './exchange.ts'
import type { Parts } from './parts.ts'
import type { Peer } from './peer.ts'
import type { RawHeaders } from './raw-headers.ts'
import { valuesOf } from './raw-headers.ts'
import { requestHead } from './request-head.ts'
import { requestIdOf } from './request-id.ts'

/** What would make the answer another than the whole one, or is of a body, which is not sent again. */
const LEFT_OUT = /^(?:range|if-.*|expect|content-length|transfer-encoding)$/i

/** As it was asked by `peer`, in whose place we ask again. */
export type OfOurOwn = { path: string; rawHeaders: RawHeaders; peer: Peer }

/** See LegacyApplication.ask. */
export function asking({ upstream, times, forward, withheld, tracing, guard, underWay }: Parts) {
  return async ({ path, rawHeaders, peer }: OfOurOwn, maxBytes: number, signal: AbortSignal): Promise<LegacyCopy> => {
    const head = headFor(path, rawHeaders, peer)
    let current: Exchange | null = null
    let copy: LegacyCopy | null = null
    const end = () => current?.cancel()
    underWay.add(end)
    signal.addEventListener('abort', end, { once: true })
    try {
      await guard.run(signal, {
        head: () => {
          current = exchange({ upstream, times, head, body: null, upgraded: null, interim: null })
          return current.answer()
        },
        isSent: () => current?.isSent() ?? false,
        rest: async (answer) => {
          copy = await wholeOf(answer, current as Exchange, maxBytes)
        },
      })
    } finally {
      end()
      underWay.delete(end)
      signal.removeEventListener('abort', end)
    }
    if (copy === null) throw new NeighbourError('legacy', signal.aborted ? 'cancelled' : 'wrong-answer')
    return copy
  }

  function headFor(path: string, rawHeaders: RawHeaders, peer: Peer) {
    const kept = rawHeaders.filter((_, i) => !LEFT_OUT.test(rawHeaders[i - (i % 2)] ?? ''))
    const httpVersion = valuesOf(kept, 'host') === '' ? '1.0' : '1.1'
    const asked = { method: 'GET', target: path, httpVersion, rawHeaders: kept, peer }
    try {
      return requestHead(asked, { ...upstream, forward, withheld, tracing, requestId: requestIdOf(kept) })
    } catch (error) {
      throw new NeighbourError('legacy', 'refused', { cause: error })
    }
  }

  /** Null: it is too large, or broke off. */
  function wholeOf(
    answer: Parameters<typeof copying>[0],
    { clock, cancel }: Exchange,
    maxBytes: number,
  ): Promise<LegacyCopy | null> {
    const copy = copying(answer, maxBytes)
    return new Promise((resolve) => {
      const broken = () => {
        cancel()
        resolve(null)
      }
      clock.silence(times.silenceMs, broken)
      answer.on('data', (part: Buffer) => {
        clock.moved()
        copy.add(part)
        if (copy.isTooLarge()) broken()
      })
      answer.on('end', () => resolve(copy.whole()))
      answer.on('error', broken)
      answer.on('close', broken)
    })
  }
}
