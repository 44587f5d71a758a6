import { LRUCache } from 'lru-cache'

/** Some 10 MB at most: a name, a number and their places in the tables. */
const MAX_HINTS = 100_000

/**
 * Which id a username (in its compared form) had when last seen. Needs to be told of nothing: whoever takes a hint looks
 * whether the entry found there has the name itself, so a hint that has become wrong costs a detour.
 */
export type Hints = Pick<LRUCache<string, number>, 'get' | 'set'>

export function hints(max = MAX_HINTS): Hints {
  // By size, each of 1: by number, the places of all would be laid out at once, at every start.
  return new LRUCache<string, number>({ maxSize: max, sizeCalculation: () => 1 })
}
