import { DomainError } from '../../domain/errors.ts'
import { type KeptKeys, keptKeys, type Options } from './kept-keys.ts'
import { choose } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import { refused } from './refusal.ts'

/** Whatever keys strangers make up, the issuer is asked for them no more often. */
export const UNKNOWN_KEY_EVERY_MS = 30_000

/** The keys of an issuer. Resolves after the first try to fetch them, whatever became of it. */
export async function issuerKeys(options: Options): Promise<KeySource> {
  const kept = keptKeys(options)
  const lookForNew = atIntervals(kept)
  await kept.refresh()
  return {
    async keyFor(header) {
      const found = choose(kept.keys(), header)
      if (found.key) return found.key
      if (!kept.state().ready) throw unavailable()
      if (!found.isUnknown) throw refused('signature')
      await lookForNew()
      const { key } = choose(kept.keys(), header)
      if (key) return key
      // It may be a new one of theirs, and this service the one that is behind.
      throw kept.state().failing ? unavailable() : refused('signature')
    },
    isCurrent: ({ id }) => kept.keys().has(id),
    state: kept.state,
    stop: kept.stop,
  }
}

/** Whoever comes while the issuer is being asked waits for that answer. */
function atIntervals({ refresh, fetching, now }: KeptKeys): () => Promise<void> {
  let lastMs = Number.NEGATIVE_INFINITY
  return async () => {
    if (now() - lastMs < UNKNOWN_KEY_EVERY_MS) return fetching() ?? undefined
    lastMs = now()
    await refresh()
  }
}

const unavailable = () => new DomainError('issuer-unavailable', 'The issuer’s keys cannot be had; try again soon.')
