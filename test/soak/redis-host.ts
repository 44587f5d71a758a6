import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { type LocalRedis, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { ask } from '../../src/adapters/redis/one-question.ts'
import { redisBinary } from '../support/redis.ts'

/** A snapshot a second: one that is killed and started again has lost the last second's writes. */
const SETTINGS = { '--save': '1 1', '--repl-diskless-sync-delay': '0' }
const SYNC_LIMIT_MS = 20_000
const POLL_MS = 20
const STOP_LIMIT_MS = 3_000

type Server = LocalRedis & { dir: string; unguard(): Promise<void> }
export type RedisHost = Awaited<ReturnType<typeof startRedisHost>>

/** One address, behind which servers come and go. `dir`: the folders of all. */
export async function startRedisHost(dir: string) {
  const port = await freePort()
  let folders = 1
  let server = await start(join(dir, 'redis-1'), port)

  /** Asks the server at the address; throws when the answer is an error, or none. */
  const order = async (question: string, at = port): Promise<string> => {
    const answer = await ask(at, question)
    if (answer === undefined || answer.startsWith('-')) throw new Error(`Redis: ${question}: ${answer}`)
    return answer
  }
  const kill = async () => {
    process.kill(server.pid, 'SIGKILL')
    await server.stop()
    await server.unguard()
  }
  const again = async () => {
    server = await start(server.dir, port)
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    order,
    async killFor(downMs: number, { empty }: { empty: boolean }) {
      await kill()
      if (empty) await rm(join(server.dir, 'dump.rdb'), { force: true })
      await delay(downMs)
      await again()
    },
    async freeze(ms: number) {
      process.kill(server.pid, 'SIGSTOP')
      await delay(ms)
      process.kill(server.pid, 'SIGCONT')
    },
    /** A replica takes over the address; what was written in the last `missedMs` it has not got. */
    async failOver(missedMs: number) {
      folders += 1
      const replicaPort = await freePort()
      const replica = await start(join(dir, `redis-${folders}`), replicaPort, { '--replicaof': `127.0.0.1 ${port}` })
      try {
        await untilSynced(replicaPort)
        await order('REPLICAOF NO ONE', replicaPort)
        await delay(missedMs)
        await kill()
        await order(`CONFIG SET port ${port}`, replicaPort)
        server = replica
      } catch (error) {
        await end(replica)
        throw error
      }
    },
    async closeConnections() {
      await order('CLIENT KILL TYPE pubsub')
      const clients = (await order('CLIENT LIST')).split('\n')
      const tracking = clients.filter((line) => / flags=\S*t/.test(line))
      for (const line of tracking) await ask(port, `CLIENT KILL ID ${/\bid=(\d+)/.exec(line)?.[1]}`)
      return tracking.length
    },
    stop: () => end(server),
  }
}

async function start(dir: string, port: number, more: Record<string, string> = {}): Promise<Server> {
  const options = { binary: redisBinary(), dir, port, persist: false, stopLimitMs: STOP_LIMIT_MS }
  const server = await startLocalRedis({ ...options, more: { ...SETTINGS, ...more } })
  return { ...server, dir, unguard: guardAgainstOurEnd(server.pid, dir).end }
}

async function end(server: Server): Promise<void> {
  try {
    process.kill(server.pid, 'SIGCONT')
  } catch {
    // It has ended.
  }
  await server.stop()
  await server.unguard()
}

async function untilSynced(port: number): Promise<void> {
  for (const deadline = Date.now() + SYNC_LIMIT_MS; Date.now() < deadline; await delay(POLL_MS)) {
    if ((await ask(port, 'INFO replication'))?.includes('master_link_status:up')) return
  }
  throw new Error('the replica did not get hold of its master')
}
