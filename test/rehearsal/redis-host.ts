import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RedisSettings } from './pods.ts'
import { startRedisPod } from './redis-server.ts'

/** Until a pod that is gone has a successor which begins: the controller, the scheduler, the kubelet; the image is there already. */
export const RESCHEDULED_MS = 2_000

/** Two servers, one of which follows the other, and what happens to them. */
export type RedisHost = {
  url: string
  /** Who was the master when it all began, on the first node, and who followed, on the second. */
  servers: [RedisServer, RedisServer]
  /** As a StatefulSet goes on to its next revision: one after the other ends, and comes back with its volume. */
  roll(): Promise<void>
  /** Resolves once the master is there again, after it was killed. */
  takenOver(): Promise<void>
  /** Whoever was killed is there again. */
  whole(): Promise<void>
}
export type RedisServer = {
  pid(): number
  signal(name: NodeJS.Signals): void
  ask(question: string): Promise<string | undefined>
}
type Options = { dir: string; settings: RedisSettings; stack: AsyncDisposableStack }

/** One address, as the chart has it without Sentinels: the replica dies with its node, and takes nothing over. */
export async function plainRedis({ dir, settings, stack }: Options): Promise<RedisHost> {
  const master = await startRedisPod({ dir: join(dir, 'redis'), settings })
  stack.defer(master.stop)
  const replica = await startRedisPod({ dir: join(dir, 'redis-replica'), settings, replicaOf: master.port })
  stack.defer(replica.stop)
  const restart = async (server: typeof master) => {
    await server.stop()
    await delay(RESCHEDULED_MS)
    await server.again()
  }
  return {
    url: master.url,
    servers: [master, replica],
    roll: () => restart(master),
    takenOver: () => restart(master),
    async whole() {
      if (!replica.isRunning()) await replica.again()
      await replica.synced()
    },
  }
}
