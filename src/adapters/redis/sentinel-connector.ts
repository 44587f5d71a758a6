import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { RedisOptions } from 'ioredis'
import type { Address } from './cluster-url.ts'
import { parseSentinelUrl } from './sentinel-url.ts'
import { type MasterWatch, masterWatch } from './sentinel-watch.ts'

const ASK_AGAIN_BASE_MS = 50
const ASK_AGAIN_MAX_MS = 1_000
/** A connection that is ended in peace has so long; a frozen server never closes its end. */
const END_LIMIT_MS = 500
/** Before anybody knows a master: what is connected beside this goes nowhere, and not to a default with a password. RFC 6761, section 6.4. */
const NOBODY = 'no-master-yet.invalid'

type Emit = (event: string, error: Error) => void
type Options = { host?: string; port?: number; tls?: object; keepAlive?: number }
type Connector = NonNullable<RedisOptions['Connector']>

/**
 * Options of a connection that goes to whoever is the master, again after each loss, and is ended when another server has
 * become it. ioredis's own connector believes the first Sentinel that answers, which may be the one that has not heard of
 * the failover, and then hears of no failover that it has missed; so this one asks all, again and again
 * (docs/decisions/0046).
 */
export function sentinelOptions(
  url: string,
): Pick<RedisOptions, 'host' | 'username' | 'password' | 'tls' | 'Connector'> {
  const { redis } = parseSentinelUrl(url)
  // Made by ioredis with `new`, for each connection anew, also for those that a library duplicates.
  const Connector = function (this: unknown, options: Options) {
    return connector(url, options)
  } as unknown as Connector
  return { ...redis, host: NOBODY, Connector }
}

function connector(url: string, options: Options) {
  let watch: MasterWatch | null = null
  let stopListening = () => {}
  const self = {
    /** Read by ioredis when a stream has ended before it was handed over. */
    firstError: undefined as Error | undefined,
    connecting: false,
    stream: null as Socket | null,
    async connect(emit: Emit): Promise<Socket> {
      self.connecting = true
      watch ??= masterWatch(url)
      const master = await knownMaster(watch, emit, () => self.connecting)
      // Where this connection leads to: what goes beside it, as tracking does, must go there as well.
      options.host = master.host
      options.port = master.port
      const stream = options.tls ? connectTls({ ...options.tls, ...master }) : connectPlain(master)
      self.stream = stream
      stream.once('error', (error: Error) => {
        self.firstError = error
      })
      stopListening()
      stopListening = watch.onChange(({ host, port }) => {
        if (host === master.host && port === master.port) return
        stream.destroy(new Error(`another server is the master now: ${host}:${port}`))
      })
      return stream
    },
    /** By what INFO says of it. A replica may be old, and a master that was replaced may have become one. */
    check: ({ role }: { role?: string }): boolean => role === undefined || role === 'master',
    disconnect(): void {
      self.connecting = false
      stopListening()
      watch?.release()
      watch = null
      const { stream } = self
      if (stream === null || stream.destroyed) return
      const limit = setTimeout(() => stream.destroy(), END_LIMIT_MS)
      stream.on('close', () => clearTimeout(limit))
      stream.end()
    },
  }
  return self
}

/** Asks until somebody knows. Rejects only when the connection is not wanted any more: ioredis takes that for the end. */
async function knownMaster(watch: MasterWatch, emit: Emit, isWanted: () => boolean): Promise<Address> {
  for (let attempt = 0; ; attempt += 1) {
    const seen = await watch.look()
    if (!isWanted()) throw new Error('Connection is closed.')
    if (seen.master !== null) return seen.master
    emit('error', new Error(seen.reason))
    const pauseMs = Math.min(ASK_AGAIN_BASE_MS * 2 ** Math.min(attempt, 10), ASK_AGAIN_MAX_MS)
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2)))
    if (!isWanted()) throw new Error('Connection is closed.')
  }
}
