import { createHash } from 'node:crypto'

export type Draws = ReturnType<typeof drawsFor>

/** Choices for what has this id: always the same, each by its own name, so that one more of them changes no other. */
export function drawsFor(id: string) {
  const below = (what: string, limit: number): number =>
    createHash('sha256').update(`${what} of ${id}`).digest().readUInt32BE() % limit
  return {
    below,
    happens: (what: string, percent: number): boolean => below(what, 100) < percent,
    pick: <Value>(what: string, values: readonly Value[]): Value => {
      const value = values[below(what, values.length)]
      if (value === undefined) throw new RangeError(`nothing to pick ${what} from`)
      return value
    },
  }
}
