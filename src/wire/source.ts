import type { ReadAge } from './read-age.ts'

/** Where an answer was read: in this process, in Redis, or in the database. The nearest first. */
export const READ_FROM_NEAREST_FIRST = ['near', 'redis', 'database'] as const
export type ReadFrom = (typeof READ_FROM_NEAREST_FIRST)[number]

/**
 * `from`: where the furthest part of what was put together was read; `nearest`: the nearest, when that is another, since
 * it may be the oldest. `stale`: nobody could say whether it is still so.
 */
export type Source = { from: ReadFrom; nearest?: ReadFrom; stale?: boolean }

export function together(...sources: Source[]): Source {
  const places = sources.flatMap(({ from, nearest = from }) => [from, nearest])
  const is = (place: ReadFrom) => places.includes(place)
  return {
    from: READ_FROM_NEAREST_FIRST.findLast(is) ?? 'near',
    nearest: READ_FROM_NEAREST_FIRST.find(is) ?? 'near',
    stale: sources.some(({ stale }) => stale),
  }
}

/** What an answer says of its source, as headers. */
export type ReadHead = (source: Source) => Record<string, string>

export function readHead(readAge: ReadAge): ReadHead {
  return ({ from, nearest = from, stale }) => {
    const head: Record<string, string> = { 'read-from': from }
    const age = readAge(nearest)
    if (age !== null) head['read-age'] = age
    if (stale) head['read-stale'] = 'true'
    return head
  }
}
