import { type Confirm, incarnationBeliefs } from './beliefs.ts'
import type { Servers } from './servers.ts'

/** While an incarnation is not believed, how often this process looks whether a worker has mended it. */
const LOOK_AGAIN_MS = 100
/** So long at most, and as long as the database takes to answer, a master that was replaced and never told is believed. */
const CONFIRM_EVERY_MS = 1_000

type Options = { incKeys: string[]; confirm: Confirm }

/** Looks at each connection's beginning, and again while something is not believed: a worker may have mended it. */
export function watchIncarnations({ incKeys, confirm }: Options, servers: Servers) {
  const { runIdOf, learnRunIds, redis } = servers
  const beliefs = incarnationBeliefs({ runIdOf, learnRunIds, get: (key) => redis.get(key) }, confirm)
  const { of, refresh, doubt } = beliefs
  const lookAgain = setInterval(() => {
    if (!servers.isReady()) return
    const disbelieved = incKeys.filter((incKey) => of(incKey) === null)
    if (disbelieved.length > 0) Promise.all(disbelieved.map(refresh)).catch(() => null)
  }, LOOK_AGAIN_MS)
  lookAgain.unref()
  const confirmAgain = soOften(CONFIRM_EVERY_MS, () =>
    Promise.all(incKeys.map(async (incKey) => (await beliefs.isReplaced(incKey)) && servers.leave(incKey))),
  )
  servers.onClose(doubt)
  redis.on('ready', () => void Promise.all(incKeys.map(refresh)).catch(() => null))
  const stop = () => {
    clearInterval(lookAgain)
    clearInterval(confirmAgain)
  }
  return { of, refresh, stop }
}

/** One at a time: what hangs is not asked once more. */
function soOften(everyMs: number, task: () => Promise<unknown>): NodeJS.Timeout {
  let isUnderWay = false
  const once = async () => {
    if (isUnderWay) return
    isUnderWay = true
    await task().catch(() => null)
    isUnderWay = false
  }
  return setInterval(() => void once(), everyMs).unref()
}
