export function isCluster(url: string): boolean {
  return /^rediss?-cluster:/.test(url)
}

type Credentials = { username?: string; password?: string; tls?: object }

export function parseClusterUrl(url: string): { nodes: { host: string; port: number }[]; options: Credentials } {
  const [scheme = '', rest = ''] = url.split('://', 2)
  const at = rest.lastIndexOf('@')
  const [username, password] = at < 0 ? [] : rest.slice(0, at).split(':', 2).map(decodeURIComponent)
  const nodes = rest
    .slice(at + 1)
    .split(',')
    .map((address) => new URL(`redis://${address}`))
    // Brackets around an IPv6 address belong to the URL, not to the address.
    .map(({ hostname, port }) => ({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379) }))
  return {
    nodes,
    options: {
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      ...(scheme === 'rediss-cluster' ? { tls: {} } : {}),
    },
  }
}
