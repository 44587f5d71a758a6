import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * Where a request comes from: as a trusted proxy says, and by the connection where that says something that is no address,
 * as whatever a client wrote into X-Forwarded-For may be. It is counted by, logged, and kept in the audit.
 */
export function addressOf({ ip, raw }: Pick<FastifyRequest, 'ip' | 'raw'>): string {
  return isIP(ip) === 0 ? (raw.socket.remoteAddress ?? '') : ip
}
