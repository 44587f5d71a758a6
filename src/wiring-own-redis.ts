import { join } from 'node:path'
import { type KeptRedis, keepLocalRedis } from './adapters/redis/kept-server.ts'
import { findRedisServer } from './adapters/redis/local-server.ts'
import type { Config } from './config.ts'
import type { Log } from './ports.ts'

/** The Redis that `all` brings with it, under the data folder; null when this machine has no server to start. */
export async function startOwnRedis({ dataDir, searchPath }: Config, log: Log): Promise<KeptRedis | null> {
  const binary = findRedisServer({ path: searchPath, toolsDir: '.tools' })
  return binary === undefined ? null : keepLocalRedis({ binary, dir: join(dataDir, 'redis'), persist: true }, log)
}
