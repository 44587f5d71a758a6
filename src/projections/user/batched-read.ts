import type { ReadModelRedis } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'

const READ = lua(import.meta.url, 'read-n')
/** More entries than this are read with several commands, so that none keeps Redis from others for long. */
const MAX_KEYS = 256

/** A user's entry; an empty body says that there is no such user. */
export type StoredBody = { version: number; body: Buffer }
type Waiting = (stored: StoredBody | null) => void

/**
 * Reads entries; all that are asked for in one turn of the event loop travel as one command, each user once. Null: the
 * truth must be asked, because there is no entry, or it is fenced, or Redis can't be asked or believed. Never rejects.
 */
export function batchedRead({ redis, keys }: { redis: ReadModelRedis; keys: Keys }) {
  let batch = new Map<number, Waiting[]>()

  const send = () => {
    const sent = [...batch]
    batch = new Map()
    for (let from = 0; from < sent.length; from += MAX_KEYS) sendSome(sent.slice(from, from + MAX_KEYS))
  }
  const sendSome = async (sent: [number, Waiting[]][]) => {
    const userIds = sent.map(([userId]) => keys.user(userId))
    // Redis out of reach or too slow is no fault of the caller's.
    const replies = await redis.readBuffers(READ, userIds).catch(() => [])
    const believed = redis.incarnation() !== null
    for (let i = 0; i < sent.length; i += 1) {
      const [version, body] = [replies[2 * i], replies[2 * i + 1]]
      const stored = believed && version && body ? { version: Number(version), body } : null
      for (const resolve of sent[i]?.[1] ?? []) resolve(stored)
    }
  }

  return (userId: number): Promise<StoredBody | null> =>
    new Promise((resolve) => {
      const waiting = batch.get(userId)
      if (waiting) {
        waiting.push(resolve)
        return
      }
      if (batch.size === 0) setImmediate(send)
      batch.set(userId, [resolve])
    })
}
