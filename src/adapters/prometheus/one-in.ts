/** When a call began that is to be timed, by `performance.now()`: one in `count`, the first among them; else 0. */
export function oneIn(count: number): () => number {
  let untilTimed = 0
  return () => {
    if (untilTimed > 0) {
      untilTimed -= 1
      return 0
    }
    untilTimed = count - 1
    return performance.now()
  }
}
