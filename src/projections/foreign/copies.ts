import type { ExpiringKeys, ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { foreignKey } from '../keys.ts'

/** `value` null: the other service does not know it. `at`: when it was asked, by the asker's clock, in ms since 1970. */
export type Copy<T> = { at: number; value: T | null }
export type AgedCopy<T> = Copy<T> & { ageMs: number }

export type CopyDeps<T> = {
  redis: Pick<ReadModelRedis, 'get'> & ExpiringKeys
  /** Names what is kept: lower-case letters; behind a hyphen, hexadecimal digits that tell whose word it is. */
  kind: string
  /** To be raised when T changes. */
  shape: number
  /** Of what another release, or somebody by hand, has put there; undefined: it is no T. */
  check(value: unknown): T | undefined
  log: Log
}
type Times = { staleIfErrorMs: number; claimMs: number }

export type Copies<T> = ReturnType<typeof copies<T>>

/** The copies, as all replicas share them. Whatever Redis does, nothing rejects. */
export function copies<T>({ redis, kind, shape, check, log }: CopyDeps<T>, { staleIfErrorMs, claimMs }: Times) {
  const keyOf = (id: string) => foreignKey(kind, shape, id)

  return {
    /** Those that there are, and that can be used. */
    async read(ids: string[], nowMs: number): Promise<Map<string, AgedCopy<T>>> {
      const found = new Map<string, AgedCopy<T>>()
      await Promise.all(
        ids.map(async (id) => {
          const copy = await readOne(id)
          if (copy === null) return
          // Another replica's clock may be ahead of this one's.
          const ageMs = Math.max(0, nowMs - copy.at)
          if (ageMs <= staleIfErrorMs) found.set(id, { ...copy, ageMs })
        }),
      )
      return found
    },

    /** False: another process asks for it, or has less than `claimMs` ago. When Redis does not say, anybody may ask. */
    async claim(id: string): Promise<boolean> {
      try {
        return await redis.claim(`${keyOf(id)}:claim`, claimMs)
      } catch {
        return true
      }
    },

    /** Nobody waits for it, and the next who asks keeps what this one could not. */
    async keep(id: string, copy: Copy<T>): Promise<void> {
      try {
        await redis.setFor(keyOf(id), JSON.stringify(copy), staleIfErrorMs)
      } catch (error) {
        log.debug({ kind, reason: String(error) }, 'a copy could not be kept')
      }
    },
  }

  /** What cannot be used is as if it were not there: it is asked for, and overwritten. */
  async function readOne(id: string): Promise<Copy<T> | null> {
    const text = await textOf(id)
    if (text === null) return null
    const copy = parsed(text)
    if (copy === null) log.debug({ kind }, 'a copy that cannot be used')
    return copy
  }

  async function textOf(id: string): Promise<string | null> {
    try {
      return await redis.get(keyOf(id))
    } catch {
      return null
    }
  }

  function parsed(text: string): Copy<T> | null {
    try {
      const { at, value } = JSON.parse(text)
      const checked = value === null ? null : check(value)
      return checked !== undefined && Number.isSafeInteger(at) ? { at, value: checked } : null
    } catch {
      return null
    }
  }
}
