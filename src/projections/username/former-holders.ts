import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import type { Schemas } from '../schemas/schemas.ts'
import type { UserReadModel } from '../user/store.ts'

type Deps = {
  redis: Pick<ReadModelRedis, 'get'>
  keys: Keys
  truth: Pick<Truth, 'versions'>
  users: Pick<UserReadModel, 'fence'>
  schemas: Pick<Schemas, 'others'>
}

/**
 * Fences whoever is still found by a username that a command has given to `userId`. That it could be given shows that
 * they have lost it, by another program's change that is not yet handled: until then the hint would lead to them, their
 * old entry would have the name itself, and whoever asks by it would be shown somebody else. Answers whom.
 */
export function formerHolders({ redis, keys, truth, users, schemas }: Deps) {
  return async (username: string, userId: number): Promise<number[]> => {
    const live = [keys, ...(await schemas.others())]
    const hints = await Promise.all(live.map((one) => redis.get(one.username(username))))
    const holders = [...new Set(hints.map(Number))].filter((id) => Number.isSafeInteger(id) && id > 0 && id !== userId)
    if (holders.length === 0) return []
    const existing = [...(await truth.versions(holders))].filter(([, version]) => version > 0)
    await Promise.all(existing.map(([id, version]) => users.fence(id, version)))
    return holders
  }
}
