import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { dropIncarnation, dropPartitions } from '../incarnation/drop.ts'
import { epochOf, type Keys, keysOf } from '../keys.ts'
import { lua } from '../lua.ts'

const SEEN = lua(import.meta.url, 'seen-1')
const FORGET = lua(import.meta.url, 'forget-1')
/** An incarnation that nobody believes: what is under it may be dropped. */
const REMOVED = 'removed'
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
  const { dropForgottenEpochs, remove } = remover({ redis, keys, log })
  const others = async (): Promise<Keys[]> => {
    const registered = await redis.hgetall(keys.schemas)
    return Object.keys(registered).flatMap((tag) => (tag === keys.tag ? [] : [keysOf(keys.epoch, tag)]))
  }
  const look = async (how: 'known' | 'register') =>
    (await redis.run(SEEN, [keys.schemas], [keys.tag, how])) as [now: string, ...tagsAndTimes: string[]]
  const seen = async (): Promise<boolean> => {
    const [, ...before] = await look('known')
    if (before.some((text, i) => i % 2 === 0 && text === keys.tag)) return true
    // Forgotten while its read models may have lived on: nobody has fenced here meanwhile. Whoever registers it next
    // must not have to know that: a worker finds nothing to believe, and begins anew.
    await Promise.all(keys.partitions.map(({ inc }) => redis.del(inc)))
    return false
  }
  return {
    /** The read models of other releases in use. */
    others,
    /** Says that this process's schema is in use. Answers false when it is not registered, so that nobody fences here. */
    seen,
    /** For workers, before they begin anything. */
    register: async (): Promise<void> => void (await look('register')),
    /** Goes on saying that it is in use. Answers how to stop. */
    keepSeen(): () => void {
      const tell = () => void seen().catch(() => false)
      const timer = setInterval(tell, SEEN_EVERY_MS)
      timer.unref()
      tell()
      return () => clearInterval(timer)
    },
    /** Removes what nobody uses any more: schemas, and copies of other databases. For workers. */
    async retire(): Promise<void> {
      const [now, ...before] = await look('known')
      for (let i = 0; i < before.length; i += 2) {
        const [tag = '', at = '0'] = before.slice(i, i + 2)
        if (tag !== keys.tag && Number(now) - Number(at) > FORGET_AFTER_S) await remove(tag, at)
      }
      await dropForgottenEpochs(Number(now))
    },
  }
}

/** Takes away what nobody uses any more. */
function remover({ redis, keys, log }: Deps) {
  return { dropForgottenEpochs, remove }

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
      await deleteAll(redis, doomed)
    })
    if (dropped > 0) log.info({ dropped }, 'dropped the keys of databases that nobody uses any more')
  }

  async function isForgotten(epoch: string, now: number): Promise<boolean> {
    const seen = Object.values(await redis.hgetall(keysOf(epoch, '1').schemas)).map(Number)
    return now - Math.max(0, ...seen) > FORGET_EPOCH_AFTER_S
  }

  /** What makes it believable goes first, and nothing goes once its release has come back, which begins anew. */
  async function remove(tag: string, seenAt: string): Promise<void> {
    const gone = keysOf(keys.epoch, tag)
    for (const { inc, built, mark } of gone.partitions) {
      await redis.set(inc, REMOVED)
      await redis.del(built, mark)
    }
    if ((await redis.run(FORGET, [keys.schemas], [tag, seenAt])) !== 1) return
    await dropPartitions(redis, gone, new Map(gone.partitions.map((partition) => [partition, REMOVED])))
    for (const pattern of [gone.hintsEverywhere, gone.jobsEverywhere]) {
      await redis.scan(pattern, (found) => deleteAll(redis, found))
    }
    for (const partition of gone.partitions) await dropIncarnation(redis, partition, REMOVED)
    log.info({ schema: tag }, 'removed the read models of a release that is gone')
  }
}

/** One by one, because each may live in another slot; they travel together. */
async function deleteAll(redis: ReadModelRedis, keys: string[]): Promise<void> {
  await Promise.all(keys.map((key) => redis.del(key)))
}
