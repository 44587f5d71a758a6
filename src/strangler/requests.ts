import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { LegacyRequest, LegacyRoute } from '../ports/strangler.ts'

/** Paths beneath these are this service's own; whatever else there is, is the legacy application's. */
const OURS = ['/v1', '/docs', '/health']

export function isOurs(target: string): boolean {
  return OURS.includes(firstSegmentOf(target))
}

const ABSOLUTE = /^https?:\/\/[^/?#]*/i

/**
 * As our router sees it: of a whole URL (RFC 9112 section 3.2.2) the path, which ends with `?` and with `#`; `%76` is `v`;
 * and behind a `*` it goes on as behind a slash. What comes later in the target, be it no percent-encoding at all, changes nothing.
 */
function firstSegmentOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(ABSOLUTE, '').replace(/^\*/, '/')
  const end = path.slice(1).search(/[/?#]/)
  const segment = end < 0 ? path : path.slice(0, end + 1)
  if (!segment.includes('%')) return segment
  try {
    return decodeURI(segment)
  } catch {
    return segment
  }
}

/** RFC 6455 section 4.1. */
export function isWebSocket({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'GET' && headers.upgrade?.trim().toLowerCase() === 'websocket'
}

/** Who asks, where a point-of-sale system says so; else it is told by its address. */
const TERMINAL_HEADER = 'x-terminal-id'

/** By what this client is told apart from others: it is always in the same part of a canary. */
export function stickyKey({ stickyBy }: Pick<LegacyRoute, 'stickyBy'>, { params, headers, by }: LegacyRequest): string {
  // A username is the same in either case.
  if (stickyBy === 'user') return (Object.values(params)[0] ?? '').toLowerCase()
  const terminal = headers[TERMINAL_HEADER]
  return typeof terminal === 'string' && terminal !== '' ? terminal : by.address
}

/** `body`: before it was read there is none. */
export function legacyRequest(request: FastifyRequest): LegacyRequest {
  const { url = '' } = request.raw
  const mark = url.indexOf('?')
  return {
    params: request.params as Record<string, string>,
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: request.headers,
    body: request.body,
    by: request.actor,
  }
}
