import type { Subscription } from '../../ports.ts'

/** Does a step again and again, each so many ms after the one before as that answered; a wake, also during a step, ends the wait. */
export function looping(stepFor: (isStopped: () => boolean) => () => Promise<number>): Subscription {
  let stopped = false
  let wakeUp: () => void = () => undefined
  let woken = false
  const sleep = async (ms: number) => {
    if (!woken && !stopped) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        wakeUp = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    woken = false
  }
  const step = stepFor(() => stopped)
  const running = (async () => {
    while (!stopped) await sleep(await step())
  })()
  return {
    wake() {
      woken = true
      wakeUp()
    },
    async stop() {
      stopped = true
      wakeUp()
      await running
    },
  }
}
