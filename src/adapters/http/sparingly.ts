/** What is said at most so often; what was left out meanwhile is counted in the next line. */
const SAID_EVERY_MS = 10_000

/** A neighbour at fault is at fault with each call: one line tells as much as a thousand. */
export function sparingly<Fields extends object>(
  say: (fields: Fields & { more: number }) => void,
  now = () => performance.now(),
) {
  let saidMs = Number.NEGATIVE_INFINITY
  let more = 0
  return (fields: Fields): void => {
    if (now() - saidMs < SAID_EVERY_MS) {
      more += 1
      return
    }
    saidMs = now()
    say({ ...fields, more })
    more = 0
  }
}
