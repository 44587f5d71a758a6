export function isCluster(url: string): boolean {
  return /^rediss?-cluster:/.test(url)
}

const REDIS_PORT = 6379

export type Address = { host: string; port: number }
type Credentials = { username?: string; password?: string; tls?: object }

export function parseClusterUrl(url: string): { nodes: Address[]; options: Credentials } {
  const [scheme = '', rest = ''] = url.split('://', 2)
  const at = rest.lastIndexOf('@')
  return {
    nodes: addressesIn(rest.slice(at + 1), REDIS_PORT),
    options: { ...credentialsIn(rest.slice(0, Math.max(at, 0))), ...(scheme === 'rediss-cluster' ? { tls: {} } : {}) },
  }
}

/** `host:port,host:port`. */
export function addressesIn(list: string, defaultPort: number): Address[] {
  return (
    list
      .split(',')
      .map((address) => new URL(`redis://${address}`))
      // Brackets around an IPv6 address belong to the URL, not to the address.
      .map(({ hostname, port }) => ({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || defaultPort) }))
  )
}

/** `user:password`, or nothing. */
export function credentialsIn(text: string): Omit<Credentials, 'tls'> {
  // At the first colon: a password may have others.
  const [username, password] = text.split(/:(.*)/s, 2).map(decodeURIComponent)
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) }
}
