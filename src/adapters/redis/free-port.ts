import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Systems give outgoing connections ports from 32,768 on (Linux, `ip_local_port_range` in
 * https://docs.kernel.org/networking/ip-sysctl.html) or 49,152 on (RFC 6335, section 6). Any call could take one of those
 * before somebody listens on it, or while a server that comes back to the same port is away.
 */
const LOWEST_PORT = 20_000
const HIGHEST_PORT = 32_767
const ATTEMPTS = 100

const given = new Set<number>()

const anyPort = () => randomInt(LOWEST_PORT, HIGHEST_PORT + 1)

/** A port of 127.0.0.1 on which nobody listens; to this process another each time. Rejects when none is found. */
export async function freePort(pick = anyPort): Promise<number> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const port = pick()
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
  throw new Error(`no free port among ${ATTEMPTS}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
