import { LRUCache } from 'lru-cache'
import { MAX_UNPROVED_MS } from '../../ports/invalidations.ts'

/**
 * The last net: the longest that a lost invalidation can keep an old answer alive which neither the connections nor the
 * beats have shown. Long enough that a busy entry is read anew only once in some ten thousand times.
 */
export const MAX_AGE_MS = 10_000
/** Reads at the same time that may be kept; those beyond are answered all the same. */
const MAX_PLACEHOLDERS = 10_000
/** No entry is smaller: so many fit at most, and the tables of the cache are as long from the beginning. */
export const LEAST_ENTRY_BYTES = 512

/** Stands for a read that has begun. It falls when what is read may be old. */
export type Placeholder<Key> = { key: Key; begunAtMs: number }
type Versioned = { version: number }
type Held<Value> = { value: Value; begunAtMs: number }

export type NearCacheOptions<Value> = {
  /** At least LEAST_ENTRY_BYTES. */
  maxBytes: number
  /** What an entry takes, the cache's own tables included. */
  bytesOf(value: Value): number
  /** As of when everything that had changed has been told (ports, Invalidations). */
  provedAtMs(): number
  /** The clock of `performance.now()`. */
  now?: () => number
}
export type NearCache<Key, Value> = {
  /** Undefined: ask Redis. */
  get(key: Key): Value | undefined
  /** Before the read of `key` is sent, and not later: what it answers may be kept only while the placeholder stands. */
  begin(key: Key): Placeholder<Key> | null
  /**
   * After the read, whatever came of it; null keeps nothing. The value must come out of a read that was sent after
   * `begin`: an answer that was shared with an earlier reader is not one. Answers whether it was kept.
   */
  keep(placeholder: Placeholder<Key> | null, value: Value | null): boolean
  /** A reader is shown this version, which is not kept: nothing older may follow, though no change was told of yet. */
  outdate(key: Key, version: number): void
  /** `key` has changed, or is about to be seen to have. */
  invalidate(key: Key): void
  /** Everything may have changed. */
  clear(): void
  up(): void
  down(): void
  /** What is held now. */
  size(): { entries: number; bytes: number; placeholders: number }
  /** Since the process began. `misses`: reads that went on; `invalidated`: changes that were told of. */
  counts(): { hits: number; misses: number; kept: number; invalidated: number; resets: number }
}

/**
 * Finished answers in this process. Off until `up`, and empty after `down`: what is read while it is down, or across an
 * interruption, is never kept. Served only while the invalidations are proved to arrive.
 */
export function nearCache<Key extends string | number, Value extends Versioned>({
  maxBytes,
  bytesOf,
  provedAtMs,
  now = () => performance.now(),
}: NearCacheOptions<Value>): NearCache<Key, Value> {
  const max = Math.floor(maxBytes / LEAST_ENTRY_BYTES)
  if (max < 1) throw new RangeError(`a near cache of ${maxBytes} bytes holds nothing`)
  const held = new LRUCache<Key, Held<Value>>({ max, maxSize: maxBytes })
  const placeholders = new Map<Key, Placeholder<Key>>()
  let on = false
  const counts = { hits: 0, misses: 0, kept: 0, invalidated: 0, resets: 0 }
  const clear = () => {
    held.clear()
    placeholders.clear()
  }
  return {
    get(key) {
      const entry = on ? held.get(key) : undefined
      if (entry === undefined) return undefined
      const atMs = now()
      // Checked here as well, because this process itself may have been stopped, or busy, since the last proof.
      if (atMs - provedAtMs() > MAX_UNPROVED_MS) return undefined
      const isYoung = atMs - entry.begunAtMs <= MAX_AGE_MS
      if (isYoung) counts.hits += 1
      else held.delete(key)
      return isYoung ? entry.value : undefined
    },
    begin(key) {
      counts.misses += 1
      if (!on) return null
      // One for all who read at the same time: it has stood since the first began, which asks for more than they need.
      const standing = placeholders.get(key)
      if (standing !== undefined || placeholders.size >= MAX_PLACEHOLDERS) return standing ?? null
      const placeholder = { key, begunAtMs: now() }
      placeholders.set(key, placeholder)
      return placeholder
    },
    keep(placeholder, value) {
      if (placeholder === null || placeholders.get(placeholder.key) !== placeholder) return false
      const { key, begunAtMs } = placeholder
      placeholders.delete(key)
      if (value === null || value.version < (held.peek(key)?.value.version ?? 0)) return false
      held.set(key, { value, begunAtMs }, { size: Math.max(LEAST_ENTRY_BYTES, bytesOf(value)) })
      const isKept = held.has(key)
      if (isKept) counts.kept += 1
      return isKept
    },
    outdate(key, version) {
      placeholders.delete(key)
      if ((held.peek(key)?.value.version ?? version) < version) held.delete(key)
    },
    invalidate(key) {
      counts.invalidated += 1
      held.delete(key)
      placeholders.delete(key)
    },
    clear,
    up() {
      on = true
    },
    down() {
      on = false
      clear()
      counts.resets += 1
    },
    counts: () => counts,
    size: () => ({ entries: held.size, bytes: held.calculatedSize, placeholders: placeholders.size }),
  }
}
