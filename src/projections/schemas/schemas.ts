import type { Log, ReadModelRedis } from '../../ports.ts'
import { epochOf, type Keys, keysOf } from '../keys.ts'
import { lua } from '../lua.ts'

const SEEN = lua(import.meta.url, 'seen-1')
const SEEN_EVERY_MS = 10_000
/** A schema that no process has used for this long is removed. Far longer than any process is silent. */
const FORGET_AFTER_S = 120
/** Another database's read models on the same Redis may be in somebody's use, who is only away for a while. */
const FORGET_EPOCH_AFTER_S = 3_600

export type Schemas = ReturnType<typeof schemaRegistry>
type Deps = { redis: ReadModelRedis; keys: Keys; log: Log }

/**
 * Which schemas are in use: during a deployment there are two. Whoever changes the truth fences in all of them, so a
 * release need not know another's bodies. No copy of this register is kept: a commit comes before the look, and a new
 * schema is registered before anything is read for it, so what the look misses is read anew anyhow.
 */
export function schemaRegistry({ redis, keys, log }: Deps) {
  const others = async (): Promise<Keys[]> => {
    const registered = await redis.hgetall(keys.schemas)
    return Object.keys(registered).flatMap((tag) => (tag === keys.tag ? [] : [keysOf(keys.epoch, tag)]))
  }
  const seen = async (): Promise<boolean> => {
    const [, ...before] = (await redis.run(SEEN, [keys.schemas], [keys.tag])) as string[]
    return before.some((text, i) => i % 2 === 0 && text === keys.tag)
  }
  return {
    /** The read models of other releases in use. */
    others,
    /** Registers this process's schema. Answers false when it had been forgotten (or never known). */
    seen,
    /** Goes on registering it. Answers how to stop. */
    keepSeen(): () => void {
      const timer = setInterval(() => void seen().catch(() => false), SEEN_EVERY_MS)
      timer.unref()
      return () => clearInterval(timer)
    },
    /** Removes what nobody uses any more: schemas, and copies of other databases. For workers. */
    async retire(): Promise<void> {
      const [now = '0', ...seen] = (await redis.run(SEEN, [keys.schemas], [keys.tag])) as string[]
      for (let i = 0; i < seen.length; i += 2) {
        const [tag = '', at = '0'] = seen.slice(i, i + 2)
        if (tag !== keys.tag && Number(now) - Number(at) > FORGET_AFTER_S) await remove(tag)
      }
      await dropForgottenEpochs(Number(now))
    },
  }

  async function dropForgottenEpochs(now: number): Promise<void> {
    const forgotten = new Map<string, Promise<boolean>>()
    let dropped = 0
    await redis.scan(keys.everything, async (found) => {
      const doomed: string[] = []
      for (const key of found) {
        const epoch = epochOf(key)
        if (epoch === null || epoch === keys.epoch) continue
        if (!forgotten.has(epoch)) forgotten.set(epoch, isForgotten(epoch, now))
        if (await forgotten.get(epoch)) doomed.push(key)
      }
      dropped += doomed.length
      await unlinkAll(redis, doomed)
    })
    if (dropped > 0) log.info({ dropped }, 'dropped the keys of databases that nobody uses any more')
  }

  async function isForgotten(epoch: string, now: number): Promise<boolean> {
    const seen = Object.values(await redis.hgetall(keysOf(epoch, '1').schemas)).map(Number)
    return now - Math.max(0, ...seen) > FORGET_EPOCH_AFTER_S
  }

  /** What makes it believable goes first: should its release come back, it begins anew. */
  async function remove(tag: string): Promise<void> {
    const gone = keysOf(keys.epoch, tag)
    for (const { inc, built, mark } of gone.partitions) await redis.del(inc, built, mark)
    await redis.hdel(keys.schemas, tag)
    await redis.scan(keys.everything, (found) => unlinkAll(redis, found.filter(gone.isOwn)))
    log.info({ schema: tag }, 'removed the read models of a release that is gone')
  }
}

/** One by one, because each may live in another slot; they travel together. */
export async function unlinkAll(redis: ReadModelRedis, keys: string[]): Promise<void> {
  await Promise.all(keys.map((key) => redis.del(key)))
}
