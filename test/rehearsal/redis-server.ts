import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { type LocalRedis, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { ask } from '../../src/adapters/redis/one-question.ts'
import { redisBinary } from '../support/redis.ts'
import type { RedisSettings } from './pods.ts'

const SYNC_LIMIT_MS = 30_000
const LOOK_EVERY_MS = 50

export type RedisPod = Awaited<ReturnType<typeof startRedisPod>>
type Options = { dir: string; settings: RedisSettings; replicaOf?: number }

/** A server with its volume, at an address that outlasts it: what is started again finds what it had kept. */
export async function startRedisPod({ dir, settings, replicaOf }: Options) {
  await mkdir(dir, { recursive: true })
  const port = await freePort()
  const following: Record<string, string> = replicaOf === undefined ? {} : { '--replicaof': `127.0.0.1 ${replicaOf}` }
  const more = { ...settings.settings, ...following, '--repl-diskless-sync-delay': '0' }
  const begin = async () => {
    const given = { binary: redisBinary(), dir, port, persist: false, stopLimitMs: settings.terminationMs, more }
    const server: LocalRedis = await startLocalRedis(given)
    return { ...server, unguard: guardAgainstOurEnd(server.pid, null).end }
  }
  let server = await begin()
  let isRunning = true
  const stop = async () => {
    // It may stand still.
    signal(server.pid, 'SIGCONT')
    await server.stop()
    await server.unguard()
    isRunning = false
  }
  return {
    port,
    pid: () => server.pid,
    url: `redis://127.0.0.1:${port}`,
    volume: join(dir, 'appendonlydir'),
    stop,
    async again(): Promise<void> {
      server = await begin()
      isRunning = true
    },
    isRunning: () => isRunning,
    signal(name: NodeJS.Signals): void {
      if (name === 'SIGKILL') isRunning = false
      signal(server.pid, name)
    },
    ask: (question: string) => ask(port, question),
    async synced(): Promise<void> {
      for (const deadline = Date.now() + SYNC_LIMIT_MS; Date.now() < deadline; await delay(LOOK_EVERY_MS)) {
        if ((await ask(port, 'INFO replication'))?.includes('master_link_status:up')) return
      }
      throw new Error('the replica did not get hold of its master')
    },
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}
