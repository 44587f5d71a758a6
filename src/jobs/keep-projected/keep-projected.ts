import type { ChangeFeed, Log } from '../../ports.ts'
import type { IncarnationGuard } from '../../projections/incarnation/guard.ts'
import type { Partition } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Schemas } from '../../projections/schemas/schemas.ts'
import type { MarkKeeper } from './keep-marks.ts'

const LOOK_EVERY_MS = 500
const LOOK_AGAIN_SOON_MS = 100
/** What nobody uses any more is looked for, which walks through all keys. */
const RETIRE_EVERY_MS = 600_000

/** How far a build is, wherever it is done. */
export type BuildListener = { onProgress(done: number, total: number): void; onBuilt(): void }
export type KeepProjectedDeps = {
  feeds: ChangeFeed[]
  projector: Pick<Projector, 'handle' | 'isOutage' | 'othersGoThrough' | 'giveUp'>
  guard: Pick<IncarnationGuard, 'check'>
  marks: MarkKeeper
  schemas: Pick<Schemas, 'retire'>
  /** Sees to it that these partitions get built under their present incarnations. Answers how far that is. */
  askForBuild(partitions: Partition[]): Promise<{ done: number; total: number } | null>
  listener: BuildListener
  /** Redis can be talked to; whether it may be believed is the guard's to find out. */
  redisReady(): boolean
  log: Log
}
export type Keeper = { wake(): void; stop(): Promise<void> }

/**
 * What a projecting worker does all day: hands changes to the projector, and looks whether Redis is still the one that
 * the read models were made on; when not, mends it and has built what is missing.
 */
export function keepProjected(deps: KeepProjectedDeps): Keeper {
  const { feeds, projector, guard, marks, schemas, redisReady, log } = deps
  const subscriber = { ...projector, onMark: marks.keep, onLost: marks.replayLost }
  const subscriptions = feeds.map((feed) => feed.subscribe(subscriber))
  const wake = () => {
    for (const subscription of subscriptions) subscription.wake()
  }
  const seeToBuilds = builds(deps)
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let retiredAt = 0

  const look = async (): Promise<boolean> => {
    if (!redisReady()) return false
    const unbuilt = await guard.check()
    wake()
    await seeToBuilds(unbuilt)
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
    wake,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await Promise.all([looking, ...subscriptions.map((subscription) => subscription.stop())])
    },
  }
}

/** Told at each look what is unbuilt: asks for it, and tells how far it is and when it is done. */
function builds({ askForBuild, listener, log }: KeepProjectedDeps) {
  let beganAt: number | null = null
  let total = 0
  return async (unbuilt: Partition[]): Promise<void> => {
    if (unbuilt.length > 0) {
      beganAt ??= Date.now()
      const progress = await askForBuild(unbuilt)
      if (progress) listener.onProgress(progress.done, progress.total)
      total = progress?.total ?? 0
    } else if (beganAt !== null) {
      log.info({ ms: Date.now() - beganAt }, 'built the read models')
      beganAt = null
      if (total > 0) listener.onProgress(total, total)
      listener.onBuilt()
    }
  }
}
