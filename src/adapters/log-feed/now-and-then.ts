/** Does `work` every so often, one at a time; `stop` lets what has begun come to its end. */
export function nowAndThen(
  everyMs: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void,
): { stop(): void } {
  let working = false
  const timer = setInterval(() => {
    if (working) return
    working = true
    work()
      .catch(onError)
      .finally(() => {
        working = false
      })
  }, everyMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
