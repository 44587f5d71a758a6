import { DomainError } from '../domain/errors.ts'

type Options<Key, Value> = {
  /** Reads several at once; each key must be in the answer. */
  read(keys: Key[]): Promise<Map<Key, Value>>
  /** Keys a read. */
  batch: number
  /** Reads at the same time. */
  maxReads: number
  /** Keys that wait for a read; one more is refused as `busy`. */
  maxWaiting: number
}
type Waiting<Value> = { resolve(value: Value): void; reject(error: unknown): void }

/**
 * Bounds what readers ask the database: keys that are asked for at the same time are read together, each once, with a
 * limit on reads and on what waits. Nobody joins a read that has begun: it may be older than what the caller knows of.
 */
export function gather<Key, Value>({ read, batch, maxReads, maxWaiting }: Options<Key, Value>) {
  const waiting = new Map<Key, Waiting<Value>[]>()
  let reading = 0
  let scheduled = false

  const schedule = () => {
    if (scheduled || reading >= maxReads || waiting.size === 0) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      void readSome()
    })
  }
  const readSome = async () => {
    const sent = [...waiting].slice(0, batch)
    for (const [key] of sent) waiting.delete(key)
    reading += 1
    schedule()
    try {
      const values = await read(sent.map(([key]) => key))
      for (const [key, callers] of sent) for (const { resolve } of callers) resolve(values.get(key) as Value)
    } catch (error) {
      for (const [, callers] of sent) for (const { reject } of callers) reject(error)
    } finally {
      reading -= 1
      schedule()
    }
  }

  return (key: Key): Promise<Value> =>
    new Promise((resolve, reject) => {
      const callers = waiting.get(key)
      if (callers) {
        callers.push({ resolve, reject })
        return
      }
      if (waiting.size >= maxWaiting) {
        reject(new DomainError('busy', 'Too many reads of the database are waiting.'))
        return
      }
      waiting.set(key, [{ resolve, reject }])
      schedule()
    })
}
