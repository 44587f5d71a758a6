import type { ChangeFeed, Log } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Partition } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Schemas } from '../../projections/schemas/schemas.ts'

const LOOK_EVERY_MS = 500
const LOOK_AGAIN_SOON_MS = 100
/** What nobody uses any more is looked for, which walks through all keys. */
const RETIRE_EVERY_MS = 600_000

export type KeepProjectedDeps = {
  feed: ChangeFeed
  projector: Projector
  guard: IncarnationGuard
  schemas: Pick<Schemas, 'retire'>
  /** Builds these partitions under their present incarnations. */
  rebuild(partitions: Partition[]): Promise<number>
  /** Redis can be talked to; whether it may be believed is the guard's to find out. */
  redisReady(): boolean
  log: Log
}
export type Keeper = { wake(): void; stop(): Promise<void> }

/**
 * What a projecting worker does all day: hands changes to the projector, and looks whether Redis is still the one that
 * the read models were made on; when not, mends it and builds what is missing.
 */
export function keepProjected({
  feed,
  projector,
  guard,
  schemas,
  rebuild,
  redisReady,
  log,
}: KeepProjectedDeps): Keeper {
  const subscription = feed.subscribe({ ...projector, onMark: guard.writeMark })
  let stopped = false
  let building: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined
  let retiredAt = 0

  const build = async (partitions: Partition[]) => {
    const startedAt = Date.now()
    try {
      const users = await rebuild(partitions)
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
    const unbuilt = await guard.check()
    subscription.wake()
    if (unbuilt.length > 0 && building === null && !stopped) building = build(unbuilt)
    if (unbuilt.length === 0 && Date.now() - retiredAt > RETIRE_EVERY_MS) {
      retiredAt = Date.now()
      await schemas.retire()
    }
    return unbuilt.length === 0
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
