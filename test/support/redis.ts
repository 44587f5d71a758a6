import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { findRedisServer, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { ask } from '../../src/adapters/redis/one-question.ts'

export type TestRedis = {
  url: string
  port: number
  pid: number
  /** Deletes every key, in all databases. */
  flush(): Promise<void>
  stop(): Promise<void>
}

const TOOLS_DIR = join(import.meta.dirname, '..', '..', '.tools')

/** By PATH: each is run to see of which version it is, which for every server of a test would be a process too many. */
const found = new Map<string, string>()

/** The server that `make test` made sure of. */
export function redisBinary(): string {
  const path = process.env.PATH ?? ''
  const binary = found.get(path) ?? findRedisServer({ path, toolsDir: TOOLS_DIR })
  if (binary === undefined) throw new Error('The tests need a Redis server. scripts/setup.mjs finds or fetches one.')
  found.set(path, binary)
  return binary
}

/**
 * An empty Redis on a free port, or on one that a server of the test has just left, never the one that REDIS_URL names. It keeps nothing, and is gone with its folder after
 * `stop`, or when the process that runs the tests ends in whatever way.
 */
export async function startTestRedis(options: { port?: number } = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-redis-'))
  const { url, port, pid, stop } = await startLocalRedis({ ...options, binary: redisBinary(), dir, persist: false })
  const guard = guardAgainstOurEnd(pid, dir)
  return {
    url,
    port,
    pid,
    flush: async () => {
      const answer = await ask(port, 'FLUSHALL')
      if (!answer?.startsWith('+OK')) throw new Error(`FLUSHALL: ${answer}`)
    },
    stop: async () => {
      await stop()
      await guard.end()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
