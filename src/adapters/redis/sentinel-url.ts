import { type Address, addressesIn, credentialsIn } from './cluster-url.ts'

const SENTINEL_PORT = 26_379

export type SentinelUrl = {
  sentinels: Address[]
  /** Of the group of servers of which one is the master. */
  name: string
  /** For Redis, and for the Sentinels; TLS is for both or for neither. */
  redis: { username?: string; password?: string; tls?: object }
  sentinel: { username?: string; password?: string; tls?: object }
}

export function isSentinel(url: string): boolean {
  return /^rediss?-sentinel:/.test(url)
}

/**
 * `redis-sentinel://user:password@host:26379,host:26379/name?sentinelPassword=…`, or `rediss-sentinel://…`. Its form has
 * been checked where it was read (src/config-redis.ts).
 */
export function parseSentinelUrl(url: string): SentinelUrl {
  const [scheme = '', rest = ''] = url.split('://', 2)
  const [beforeQuery = '', query = ''] = rest.split('?', 2)
  const slash = beforeQuery.lastIndexOf('/')
  const at = beforeQuery.lastIndexOf('@')
  const tls = scheme === 'rediss-sentinel' ? { tls: {} } : {}
  // Not URLSearchParams: to it a + is a space, and passwords have some.
  const asked = new Map(query.split('&').map((option) => option.split(/=(.*)/s, 2) as [string, string]))
  const [username, password] = ['sentinelUsername', 'sentinelPassword'].map((option) =>
    decodeURIComponent(asked.get(option) ?? ''),
  )
  return {
    sentinels: addressesIn(beforeQuery.slice(at + 1, slash), SENTINEL_PORT),
    name: decodeURIComponent(beforeQuery.slice(slash + 1)),
    redis: { ...credentialsIn(beforeQuery.slice(0, Math.max(at, 0))), ...tls },
    sentinel: { ...(username ? { username } : {}), ...(password ? { password } : {}), ...tls },
  }
}
