// Redis, as the read models see it.

/** One script of a `*.lua` file. Runs by its digest, loaded when the server does not know it. */
export type LuaScript = { name: string; source: string }

/**
 * The commands that read models need; every call has the client's deadline and fails at once while there is no
 * connection. Calls made in one turn of the event loop travel together (auto-pipelining).
 */
export type ReadModelRedis = {
  /**
   * The incarnation of the partition with this `inc` key under which its master may be believed, or null: unknown, or
   * the server is not the one that the read models were made on. Nothing read while it is null may be served.
   */
  incarnation(incKey: string): string | null
  /** Reads the incarnation again now (a worker does, after it has written one). */
  refreshIncarnation(incKey: string): Promise<string | null>
  /** The run id of the master that serves this key. */
  runId(key: string): string | null
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<void>
  del(...keys: string[]): Promise<void>
  hmget(key: string, ...fields: string[]): Promise<(Buffer | null)[]>
  hgetall(key: string): Promise<Record<string, string>>
  smembers(key: string, max: number): Promise<string[]>
  zrangeByScore(key: string, above: number, limit: number): Promise<string[]>
  zrangeByLex(key: string, min: Buffer, max: Buffer, limit: number): Promise<Buffer[]>
  run(script: LuaScript, keys: string[], args: (string | number | Buffer)[]): Promise<unknown>
  /** As `run`, for somebody who waits for an answer: with the deadline of reads, and refused when they are. */
  runForReader: ReadModelRedis['run']
  /** A script that only reads, its answer flat. */
  readBuffers(script: LuaScript, keys: string[]): Promise<(Buffer | null)[]>
  publish(channel: string, message: string): Promise<void>
  /** Hands over all keys that match, some at a time; a key may come twice. */
  scan(pattern: string, visit: (keys: string[]) => Promise<unknown>): Promise<void>
}

/**
 * Keys that end by themselves, with the deadline of reads: refused while they are slow or fail, by which reads of users are
 * not refused.
 */
export type ExpiringKeys = {
  getExpiring(key: string): Promise<string | null>
  setFor(key: string, value: string, ttlMs: number): Promise<void>
  /** False: somebody has claimed this key, less than their `ttlMs` ago. What has no end is nobody's claim, and is had. */
  claim(key: string, ttlMs: number): Promise<boolean>
  /** Whoever claimed it. */
  release(key: string): Promise<void>
}

/** Which incarnation was begun last, by partition: told by the database, which no failover of Redis takes back. */
export type Incarnations = {
  recorded(schema: string): Promise<Map<number, string>>
  /** Compare and set. `from` null: there was none. */
  replace(schema: string, partition: number, from: string | null, to: string): Promise<boolean>
}
