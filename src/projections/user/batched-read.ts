import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'
import { type Bodies, storedBodies } from './bodies.ts'

const READ = lua(import.meta.url, 'read-n')
/** More entries than this are read with several commands, so that none keeps Redis from others for long. */
const MAX_KEYS = 256

/** A user's entry with its bytes. */
export type StoredUser = { version: number; bodies: Bodies }
/**
 * What Redis holds of a user: an entry; or only the least version that may be shown (a fence; -1 where there is nothing);
 * or null: Redis can't be asked, or can't be believed.
 */
export type Held = StoredUser | { version: number; bodies: null } | null
type Waiting = (held: Held) => void

/** Reads entries; all that are asked for in one turn of the event loop travel as one command a partition. Never rejects. */
export function batchedRead({ redis, keys }: { redis: ReadModelRedis; keys: Keys }) {
  const batches = new Map<Partition, Map<number, Waiting[]>>()

  const send = () => {
    const sent = [...batches]
    batches.clear()
    for (const [partition, batch] of sent) {
      const waiting = [...batch]
      for (let from = 0; from < waiting.length; from += MAX_KEYS) {
        sendSome(partition, waiting.slice(from, from + MAX_KEYS))
      }
    }
  }
  const sendSome = async (partition: Partition, sent: [number, Waiting[]][]) => {
    const entries = sent.map(([userId]) => partition.user(userId))
    // Redis out of reach or too slow is no fault of the caller's.
    const replies = await redis.readBuffers(READ, [partition.inc, ...entries]).catch(() => null)
    const incarnation = redis.incarnation(partition.inc)
    const believed = replies !== null && incarnation !== null && replies[0]?.toString('latin1') === incarnation
    // Emptied or exchanged behind an open connection: find out what it is now.
    if (replies !== null && !believed) redis.refreshIncarnation(partition.inc).catch(() => null)
    for (let i = 0; i < sent.length; i += 1) {
      const held = believed ? heldOf(replies[3 * i + 1], replies[3 * i + 2], replies[3 * i + 3]) : null
      for (const resolve of sent[i]?.[1] ?? []) resolve(held)
    }
  }

  return (userId: number): Promise<Held> =>
    new Promise((resolve) => {
      const partition = keys.of(userId)
      if (batches.size === 0) setImmediate(send)
      let batch = batches.get(partition)
      if (!batch) {
        batch = new Map()
        batches.set(partition, batch)
      }
      const waiting = batch.get(userId)
      if (waiting) waiting.push(resolve)
      else batch.set(userId, [resolve])
    })
}

type Reply = Buffer | null | undefined
function heldOf(version: Reply, full: Reply, bare: Reply): NonNullable<Held> {
  const held = version ? Number(version) : -1
  if (!Number.isSafeInteger(held) || held < 0) return { version: -1, bodies: null }
  return { version: held, bodies: storedBodies(full, bare) }
}
