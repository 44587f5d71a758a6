import type { ChangeFeed, Log } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Projector } from '../../projections/projector.ts'

const LOOK_EVERY_MS = 500
const LOOK_AGAIN_SOON_MS = 100

export type KeepProjectedDeps = {
  feed: ChangeFeed
  projector: Projector
  guard: IncarnationGuard
  /** Builds everything under the present incarnation. */
  rebuild(): Promise<number>
  /** Redis can be talked to; whether it may be believed is the guard's to find out. */
  redisReady(): boolean
  log: Log
}
export type Keeper = { wake(): void; stop(): Promise<void> }

/**
 * What a projecting worker does all day: hands changes to the projector, and looks whether Redis is still the one that
 * the read models were made on; when not, mends it and builds what is missing.
 */
export function keepProjected({ feed, projector, guard, rebuild, redisReady, log }: KeepProjectedDeps): Keeper {
  const subscription = feed.subscribe({ handle: projector.handle, onMark: guard.writeMark })
  let stopped = false
  let building: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let cleaned = false

  const build = async () => {
    const startedAt = Date.now()
    try {
      const users = await rebuild()
      log.info({ users, ms: Date.now() - startedAt }, 'built the read models')
    } catch (error) {
      // Told to stop, it is not the next thing to begin.
      if (!stopped) log.warn({ reason: String(error) }, 'the build of the read models was broken off; it begins again')
    } finally {
      building = null
    }
  }
  const look = async (): Promise<boolean> => {
    if (!redisReady()) return false
    const built = await guard.check()
    subscription.wake()
    if (!built && building === null && !stopped) building = build()
    if (built && !cleaned) {
      cleaned = true
      await guard.dropOtherEpochs()
    }
    return built
  }
  const loop = async () => {
    const built = await look().catch((error) => {
      log.debug({ reason: String(error) }, 'the read models could not be checked')
      return false
    })
    if (!stopped) timer = setTimeout(run, built ? LOOK_EVERY_MS : LOOK_AGAIN_SOON_MS)
  }
  let looking = Promise.resolve()
  const run = () => {
    looking = loop()
  }
  run()
  return {
    wake: subscription.wake,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await Promise.all([looking, subscription.stop()])
    },
  }
}
