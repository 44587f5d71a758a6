import type { Cluster, Redis } from 'ioredis'
import type { Log } from '../../ports.ts'
import { jobsConnections } from './jobs-connection.ts'
import { type ReadBreaker, readBreaker } from './read-breaker.ts'

const WORDS = {
  open: 'Redis is slow or gone: writes are counted in each process alone',
  close: 'writes are counted together',
}

type Options = { url: string; deadlineMs: number; log: Log }
/** `run` rejects past the deadline, and at once while this Redis is known to be slow or gone. */
export type CountersConnection = { client: Redis | Cluster; run: ReadBreaker['run']; close(): void }

/** A connection of its own: whoever is counted must not wait behind what is read, nor what is read behind this. */
export function countersConnection({ url, deadlineMs, log }: Options): CountersConnection {
  const client = jobsConnections(url, log).asking()
  const breaker = readBreaker({ deadlineMs, words: WORDS, log })
  const close = (): void => {
    breaker.stop()
    client.disconnect()
  }
  return { client, run: breaker.run, close }
}
