import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** The server that `make test` made sure of. */
export function redisBinary(): string {
  const binary = findRedisServer({ path: process.env.PATH ?? '', toolsDir: TOOLS_DIR })
  if (binary === undefined) throw new Error('The tests need a Redis server. scripts/setup.mjs finds or fetches one.')
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

/**
 * A shell that waits on a pipe from us. However we end, even by SIGKILL, which no handler sees, the pipe closes; then it
 * ends the server.
 */
export function guardAgainstOurEnd(pid: number, dir: string) {
  const script = 'read -r _; kill -KILL "$1" 2>/dev/null; rm -rf "$2"'
  const guard = spawn('/bin/sh', ['-c', script, 'sh', String(pid), dir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(guard, 'exit')
  guard.unref()
  // An open pipe would keep this process alive.
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref()
  return {
    end: async () => {
      guard.ref()
      guard.kill('SIGKILL')
      await ended
    },
  }
}
