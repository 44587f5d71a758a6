import type { ExpiringKeys } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { foreignKey } from '../keys.ts'

/** `value` null: the other service does not know it. `at`: when it was asked, by the asker's clock, in ms since 1970. */
export type Copy<T> = { at: number; value: T | null }
export type AgedCopy<T> = Copy<T> & { ageMs: number }

export type CopyDeps<T> = {
  redis: ExpiringKeys
  /** Names what is kept: lower-case letters; behind a hyphen, hexadecimal digits that tell whose word it is. */
  kind: string
  /** To be raised when T changes. */
  shape: number
  /** Of what another release, or somebody by hand, has put there; undefined: it is no T, or not this one. */
  check(value: unknown, id: string): T | undefined
  log: Log
}
type Times = { staleIfErrorMs: number; claimMs: number }

/** Clocks of replicas differ. One that is further ahead is wrong, and what it keeps would be fresh until it ends. */
const MAX_SKEW_MS = 5_000
/** Some forty times a branch that opens four times a day. */
const MAX_COPY_BYTES = 65_536

export type Copies<T> = ReturnType<typeof copies<T>>

/** The copies, as all replicas share them. Whatever Redis does, nothing rejects. */
export function copies<T>({ redis, kind, shape, check, log }: CopyDeps<T>, { staleIfErrorMs, claimMs }: Times) {
  const keyOf = (id: string) => foreignKey(kind, shape, id)
  const claimOf = (id: string) => `${keyOf(id)}:claim`

  return {
    /** Those that there are, and that can be used. What cannot is as if it were not there: asked for, and overwritten. */
    async read(ids: string[], nowMs: number): Promise<Map<string, AgedCopy<T>>> {
      const found = new Map<string, AgedCopy<T>>()
      await Promise.all(
        ids.map(async (id) => {
          const text = await redis.getExpiring(keyOf(id)).catch(() => null)
          if (text === null) return
          const copy = copyIn(text, (value) => check(value, id))
          const ageMs = copy && nowMs - copy.at
          const isUsable = ageMs !== null && ageMs >= -MAX_SKEW_MS && ageMs <= staleIfErrorMs
          if (copy && isUsable) found.set(id, { ...copy, ageMs: Math.max(0, ageMs) })
          else log.debug({ kind }, 'a copy that cannot be used')
        }),
      )
      return found
    },

    /** False: another process asks for it, or has less than `claimMs` ago. When Redis does not say, anybody may ask. */
    claim: (id: string): Promise<boolean> => redis.claim(claimOf(id), claimMs).catch(() => true),

    /**
     * Others may ask; should it not succeed, it ends by itself. One call more is made when the claim had ended meanwhile, and
     * is another's, and when somebody has read the copy before this one was kept, and claims it now.
     */
    release: (id: string): Promise<void> => redis.release(claimOf(id)).catch(() => undefined),

    /** False: it could not be kept. The next who asks may keep what this one could not. */
    async keep(id: string, copy: Copy<T>): Promise<boolean> {
      const text = JSON.stringify(copy)
      const bytes = Buffer.byteLength(text)
      if (bytes > MAX_COPY_BYTES) {
        log.debug({ kind, bytes }, 'a copy too large to be kept')
        return false
      }
      try {
        await redis.setFor(keyOf(id), text, staleIfErrorMs)
        return true
      } catch (error) {
        log.debug({ kind, reason: String(error) }, 'a copy could not be kept')
        return false
      }
    },
  }
}

function copyIn<T>(text: string, check: (value: unknown) => T | undefined): Copy<T> | null {
  try {
    const { at, value } = JSON.parse(text)
    const checked = value === null ? null : check(value)
    return checked !== undefined && Number.isSafeInteger(at) ? { at, value: checked } : null
  } catch {
    return null
  }
}
