import { Redis, type RedisOptions } from 'ioredis'

const CHANNEL = '__redis__:invalidate'
/** Of CLIENT TRACKINGINFO: that nothing is tracked any more, or told to a connection that is gone. */
const LOST_FLAGS = ['off', 'broken_redirect']

export type PairOptions = {
  /** How to reach one master. */
  options: RedisOptions
  prefixes: string[]
  /** Null: all keys. */
  onKeys(keys: string[] | null): void
  /** Either connection has ended. Called once at most, and never after `close`. */
  onEnd(reason: string): void
}
export type Pair = {
  /** Resolves when the server has promised to tell. */
  open(): Promise<void>
  /** Rejects when the server does not tell (any more). */
  check(): Promise<void>
  close(): void
}

/**
 * Two connections to one master: the server remembers with the one what is to be told, and tells it over the other.
 * Neither comes back by itself: half a pair tells nothing and reports no error, so a new pair is made of two new ones.
 */
export function trackingPair({ options, prefixes, onKeys, onEnd }: PairOptions): Pair {
  const told = connection(options, 'near-invalidations')
  const tracked = connection(options, 'near-tracking')
  let closed = false
  let redirect = 0

  const close = () => {
    closed = true
    told.disconnect()
    tracked.disconnect()
  }
  for (const [redis, name] of [
    [told, 'invalidation'],
    [tracked, 'tracking'],
  ] as const) {
    let reason = 'closed'
    redis.on('error', (error: Error) => {
      reason = error.message
    })
    redis.on('close', () => {
      if (closed) return
      close()
      onEnd(`${name} connection: ${reason}`)
    })
  }
  // Not `message`, which would make one text of all keys, and an empty one of FLUSHALL's null.
  told.on('messageBuffer', (_channel: Buffer, keys: Buffer[] | null) => {
    if (!closed) onKeys(keys === null ? null : keys.map(String))
  })

  return {
    async open() {
      await told.connect()
      redirect = await told.client('ID')
      // First: what is told to a connection that is not subscribed is thrown away.
      await told.subscribe(CHANNEL)
      // Closed meanwhile, it would be opened again, and nobody would ever close it.
      if (closed) throw new Error('closed')
      await tracked.connect()
      const watched = prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await tracked.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(redirect), 'BCAST', ...watched)
      // Another server may have become the master meanwhile, and be read from.
      const isThere = told.options.host === options.host && told.options.port === options.port
      if (!isThere) throw new Error('another server is the master now')
    },
    async check() {
      const info = (await tracked.call('CLIENT', 'TRACKINGINFO')) as [string, string[], string, number]
      const lost = info[1].filter((flag) => LOST_FLAGS.includes(flag))
      if (lost.length > 0 || info[3] !== redirect) throw new Error(`tracking is ${lost.join(', ') || 'redirected'}`)
    },
    close,
  }
}

function connection(options: RedisOptions, connectionName: string): Redis {
  const own: RedisOptions & { replyMapping: 'legacy' } = {
    ...options,
    connectionName,
    // ioredis hands RESP3's invalidation pushes to nobody.
    protocol: 2,
    replyMapping: 'legacy',
    keyPrefix: '',
    stringNumbers: false,
    lazyConnect: true,
    retryStrategy: () => null,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    maxRetriesPerRequest: 0,
  }
  // To the very server that is read from, and not to whom Sentinels may name by now.
  delete own.Connector
  // Silence is no fault here: whether it means that nothing has changed, the beats tell.
  delete own.socketTimeout
  delete own.commandTimeout
  return new Redis(own)
}
