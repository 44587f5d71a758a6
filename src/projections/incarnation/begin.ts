import { randomBytes } from 'node:crypto'
import type { Incarnations, ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'

const BEGIN = lua(import.meta.url, 'begin-3')
const RANDOM_BYTES = 6
/** Ends an incarnation that is being emptied; no run id is like it, so nobody believes it. */
export const EMPTYING = 'emptying'

export type Begin = ReturnType<typeof beginner>
export type BeginDeps = { redis: ReadModelRedis; keys: Keys; incarnations: Incarnations; log: Log }

/** Begins an incarnation of a partition in place of `replaced`. Answers it, or null when somebody else was first. */
export function beginner({ redis, keys, incarnations, log }: BeginDeps) {
  return async ({ index, inc, built, mark }: Partition, replaced: string, how: 'replayed' | 'empty' | 'emptying') => {
    const runId = how === 'emptying' ? EMPTYING : redis.runId(inc)
    if (runId === null) return null
    const incarnation = `${randomBytes(RANDOM_BYTES).toString('hex')}.${runId}`
    const recorded = (await incarnations.recorded(keys.tag)).get(index) ?? null
    const begun = (await redis.run(BEGIN, [inc, built, mark], [replaced, incarnation, how])) === 1
    if (begun && how !== 'emptying') {
      // Until it is recorded nobody believes it; what fails here is begun again.
      await incarnations.replace(keys.tag, index, recorded, incarnation)
      log.info({ incarnation, how }, 'began a new incarnation of the read models')
    }
    await redis.refreshIncarnation(inc)
    return begun ? incarnation : null
  }
}
