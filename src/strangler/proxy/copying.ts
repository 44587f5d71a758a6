import type { IncomingMessage } from 'node:http'
import type { LegacyCopy } from '../../ports/strangler.ts'

/** Keeps an answer while it passes, unless it turns out larger than `maxBytes`. */
export function copying(answer: IncomingMessage, maxBytes: number) {
  let kept: Buffer[] | null = maxBytes > 0 ? [] : null
  let bytes = 0
  return {
    add(part: Buffer): void {
      if (kept === null) return
      bytes += part.length
      if (bytes > maxBytes) kept = null
      else kept.push(part)
    },
    isTooLarge: () => kept === null,
    /** Null: not wanted, or too large. */
    whole: (): LegacyCopy | null =>
      kept && { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(kept, bytes) },
  }
}
