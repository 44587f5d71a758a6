import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LogReader } from '../../src/ports/message-log.ts'

/** Those that the service takes unless it is told otherwise. */
const TOPIC = 'users.changes'
const GROUP = 'users-service'

export type Topic = ReturnType<typeof topicOf>
/** By partition, the offset that the next message gets. */
export type Ends = Map<number, number>

/** The topic of changes, seen from outside. */
export function topicOf(reader: LogReader, dir: string) {
  return {
    async ends(partitions: number): Promise<Ends> {
      const bounds = await reader.bounds(TOPIC)
      if (bounds.length !== partitions) throw new Error(`${TOPIC} has ${bounds.length} partitions, not ${partitions}`)
      return new Map(bounds.map(({ partition, end }) => [partition, end]))
    },
    /** How many messages before `ends` the group has not committed yet. */
    async left(ends: Ends): Promise<number> {
      const committed = await reader.committed(TOPIC, GROUP)
      const done = new Map(committed.map(({ partition, offset }) => [partition, offset ?? 0]))
      return [...ends].reduce((sum, [partition, end]) => sum + Math.max(0, end - (done.get(partition) ?? 0)), 0)
    },
    /** What its messages take on the broker's disk, without the indexes. */
    bytes(): number {
      const data = join(dir, 'data')
      return readdirSync(data)
        .filter((name) => new RegExp(`^${TOPIC.replace('.', '\\.')}-\\d+$`).test(name))
        .flatMap((name) => readdirSync(join(data, name)).map((file) => join(data, name, file)))
        .filter((file) => file.endsWith('.log'))
        .reduce((sum, file) => sum + statSync(file).size, 0)
    },
  }
}
