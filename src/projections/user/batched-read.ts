import type { ReadModelRedis } from '../../ports.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'

const READ = lua(import.meta.url, 'read-n')
/** More entries than this are read with several commands, so that none keeps Redis from others for long. */
const MAX_KEYS = 256

export type StoredBody = { version: number; body: Buffer }
type Waiting = { resolve(stored: StoredBody | null): void; reject(error: unknown): void }

/**
 * Reads entries; all that are asked for in one turn of the event loop travel as one command, each user once. Null: no
 * entry, or one that is fenced.
 */
export function batchedRead({ redis, keys }: { redis: ReadModelRedis; keys: Keys }) {
  let batch = new Map<number, Waiting[]>()

  const send = () => {
    const sent = [...batch]
    batch = new Map()
    for (let from = 0; from < sent.length; from += MAX_KEYS) sendSome(sent.slice(from, from + MAX_KEYS))
  }
  const sendSome = (sent: [number, Waiting[]][]) => {
    const entries = sent.map(([userId]) => keys.user(userId))
    redis.readBuffers(READ, entries).then(
      (replies) => {
        for (const [i, [, waiting]] of sent.entries()) {
          const [version, body] = [replies[2 * i], replies[2 * i + 1]]
          const stored = version && body ? { version: Number(version), body } : null
          for (const { resolve } of waiting) resolve(stored)
        }
      },
      (error) => {
        for (const [, waiting] of sent) for (const { reject } of waiting) reject(error)
      },
    )
  }

  return (userId: number): Promise<StoredBody | null> =>
    new Promise((resolve, reject) => {
      const waiting = batch.get(userId)
      if (waiting) {
        waiting.push({ resolve, reject })
        return
      }
      if (batch.size === 0) setImmediate(send)
      batch.set(userId, [{ resolve, reject }])
    })
}
