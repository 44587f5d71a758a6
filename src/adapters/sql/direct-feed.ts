import type { ChangeFeed, ChangeSubscriber, Log, Truth } from '../../ports.ts'
import type { SqlChanges } from './changes.ts'

/** The longest IN list of changes.ts, and what one transaction deletes at most. */
const BATCH = 500
const MARK_EVERY_MS = 1_000
const RETRY_BASE_MS = 50
const RETRY_MAX_MS = 5_000

type Deps = { changes: SqlChanges; truth: Pick<Truth, 'now'>; pollMs: number; log: Log }

/**
 * Polls the outbox; a wake makes it look at once. A batch that cannot be handled stays, and is tried again with
 * back-off: nothing is lost, and nothing is forgotten before it has been handled.
 */
export function directFeed({ changes, truth, pollMs, log }: Deps): ChangeFeed {
  return {
    subscribe(subscriber) {
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
      const step = stepper({ changes, truth, pollMs, log }, subscriber)
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
    },
  }
}

/** Each step handles one batch and says how long to wait before the next. */
function stepper({ changes, truth, pollMs, log }: Deps, subscriber: ChangeSubscriber) {
  let failures = 0
  let markedAt = 0
  return async (): Promise<number> => {
    try {
      const markDue = Date.now() - markedAt >= MARK_EVERY_MS
      // Read before the rows are: what becomes visible after it may still have an earlier time, by a transaction's length.
      const now = markDue ? await truth.now() : null
      const batch = await changes.pending(BATCH)
      if (now !== null) {
        await subscriber.onMark([now, ...batch.map(({ changedAt }) => changedAt)].sort()[0] ?? now)
        markedAt = Date.now()
      }
      if (batch.length > 0) {
        await subscriber.handle(batch)
        await changes.forget(batch.map(({ changeId }) => changeId))
      }
      failures = 0
      return batch.length === BATCH ? 0 : pollMs
    } catch (error) {
      failures += 1
      const waitMs = Math.min(RETRY_BASE_MS * 2 ** Math.min(failures, 10), RETRY_MAX_MS) * (0.5 + Math.random() / 2)
      if (failures === 1) log.warn({ reason: String(error), waitMs }, 'changes wait: a batch could not be handled')
      return waitMs
    }
  }
}
