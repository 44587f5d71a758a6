import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Log } from '../ports.ts'
import { startOwnRedis } from '../wiring-own-redis.ts'
import { PlainError } from './plain-error.ts'

const URL_FILE = 'redis.url'

export type BundledRedis = { url: string; stop(): Promise<void> }

/** Starts the Redis that `all` brings with it, under the data folder, and leaves word of where it is. */
export async function startBundledRedis(config: Config, log: Log): Promise<BundledRedis> {
  const server = await startOwnRedis(config, log)
  if (!server) throw new PlainError('There is no Redis: set REDIS_URL, or install redis-server (7 or newer).')
  const file = join(config.dataDir, URL_FILE)
  await writeFile(file, server.url)
  return {
    url: server.url,
    stop: async () => {
      await rm(file, { force: true })
      await server.stop()
    },
  }
}

/** The settings with the Redis of a running `all` filled in, where REDIS_URL names none. */
export async function withBundledRedis(config: Config): Promise<Config> {
  if (config.redis.url !== null) return config
  const url = await readFile(join(config.dataDir, URL_FILE), 'utf8').catch(() => null)
  if (url === null) throw new PlainError('Set REDIS_URL, or start `users-service all` first: it brings its own Redis.')
  return { ...config, redis: { ...config.redis, url } }
}

/** Refuses in one sentence where there is no Redis to talk to. */
export function requireRedis(config: Config): Config {
  if (config.redis.url === null) throw new PlainError('Set REDIS_URL: only `users-service all` brings its own Redis.')
  return config
}
