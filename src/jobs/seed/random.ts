/**
 * mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough to make up people, and the same on every
 * machine. Answers numbers from 0 (included) to 1 (excluded).
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export type Dice = ReturnType<typeof dice>

/** Choices out of a source of random numbers. */
export function dice(random: () => number) {
  const below = (limit: number) => Math.floor(random() * limit)
  return {
    below,
    chance: (probability: number) => random() < probability,
    pick: <Value>(values: readonly Value[]): Value => {
      const value = values[below(values.length)]
      if (value === undefined) throw new RangeError('nothing to pick from')
      return value
    },
  }
}
