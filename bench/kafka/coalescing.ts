import type { Rig, Side } from './rig.ts'
import { settled } from './settled.ts'
import type { Worker } from './waiting.ts'

/** `apart`: each a transaction of its own, as fast as the writer can; else all in one. */
export const CASES = [
  { changes: 500, apart: false },
  { changes: 5_000, apart: false },
  { changes: 500, apart: true },
] as const
/** The script that puts a user in place has so many keys at least; others that know the user's key have fewer. */
const APPLY_KEYS = 7
const SEEN_LIMIT_MS = 10_000

/** How often that one user was put in place; before each, the database was read once. */
export type Coalesced = { changes: number; apart: boolean; applies: number }

/** Many changes of one user, with one projector: how many reads and writes they come to. */
export async function measureCoalescing(rig: Rig, side: Side, workers: Worker[], userId: number): Promise<Coalesced[]> {
  rig.stage.say(`${side.name}: many changes of one user`)
  const counted: Coalesced[] = []
  for (const { changes, apart } of CASES) {
    const counter = await countApplies(side, userId)
    const written = await side.write({ kind: 'one', userId, times: changes, apart, jobTitle: 'coalesced' })
    if (written.changes !== changes) throw new Error(`the writer made ${written.changes} changes, and not ${changes}`)
    await settled(rig, side, workers)
    counted.push({ changes, apart, applies: await counter() })
  }
  return counted
}

/** Redis tells every command that it is given; the answer comes when it has told all of them. */
async function countApplies({ redis, data }: Side, userId: number): Promise<() => Promise<number>> {
  const key = data.keys.user(userId)
  const end = `counted ${crypto.randomUUID()}`
  const monitor = await redis.monitor()
  const told = Promise.withResolvers<void>()
  let applies = 0
  monitor.on('monitor', (_time: string, [command, first, keys, ...rest]: string[]) => {
    if (command?.toLowerCase() === 'echo' && first === end) told.resolve()
    if (command?.toLowerCase() === 'evalsha' && Number(keys) >= APPLY_KEYS && rest[0] === key) applies += 1
  })
  return async () => {
    const late = setTimeout(() => told.reject(new Error('Redis does not tell its commands')), SEEN_LIMIT_MS)
    await redis.echo(end)
    await told.promise.finally(() => {
      clearTimeout(late)
      monitor.disconnect()
    })
    if (applies === 0) throw new Error(`user ${userId} was never put in place`)
    return applies
  }
}
