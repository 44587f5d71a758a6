import type { Appended, Bounds } from '../../ports/message-log.ts'
import type { HeldLease } from '../sql/relay-lease.ts'

/**
 * Whether the topic is still the one that was written to: only the holder of the lease writes, so its offsets never go
 * back. When they do, it was deleted and made again, or has lost what was acknowledged; then what was in it and not yet read
 * is gone, and a new `stream` tells everybody.
 */
export function topicLife(
  held: Pick<HeldLease, 'stream' | 'published'> & { epoch: string },
  bounds: Bounds[],
  onAnother: (stream: string) => void,
) {
  let stream = held.stream
  /** By partition, the offset after the last that was acknowledged: the next message gets that at least. */
  const acknowledged = new Map(bounds.map(({ partition, end }) => [partition, end]))
  /** What is there, as it was seen last: also what is about to be acknowledged. */
  let seen = new Map(acknowledged)
  const endOf = (partition: number) => Math.max(seen.get(partition) ?? 0, acknowledged.get(partition) ?? 0)
  const published = () => [...seen.keys()].reduce((sum, partition) => sum + endOf(partition), 0)
  const renew = (): void => {
    stream = newStream(held.epoch)
    onAnother(stream)
  }
  if (!isOf(stream, held.epoch)) stream = newStream(held.epoch)
  else if (published() < held.published) renew()

  return {
    stream: () => stream,
    /** How much the topic has been given in all. */
    published,
    partitions: () => [...seen.keys()].map((partition) => ({ partition, next: acknowledged.get(partition) ?? 0 })),
    /** What was acknowledged. */
    appended(appended: Appended[]): void {
      const isAnother = appended.some(({ partition, firstOffset }) => firstOffset < (acknowledged.get(partition) ?? 0))
      for (const { partition, firstOffset, count } of appended) {
        acknowledged.set(partition, firstOffset + count)
        if (isAnother) seen.set(partition, firstOffset + count)
      }
      if (isAnother) renew()
    },
    /** What `look` finds. */
    async compare(look: () => Promise<Bounds[]>): Promise<void> {
      // Of before the look: what is appended meanwhile may be missing in what it finds.
      const before = new Map([...seen.keys()].map((partition) => [partition, endOf(partition)]))
      const now = await look()
      seen = new Map(now.map(({ partition, end }) => [partition, end]))
      if (!now.some(({ partition, end }) => end < (before.get(partition) ?? 0))) return
      for (const { partition, end } of now) acknowledged.set(partition, end)
      renew()
    },
  }
}

/** Streams name the database that they come from: two must not take each other's marks for their own. */
const newStream = (epoch: string): string => `${epoch}.${crypto.randomUUID()}`
export const isOf = (stream: string, epoch: string): boolean => stream.startsWith(`${epoch}.`)
