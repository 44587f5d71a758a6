import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RefusalObserver } from '../ports/refusals.ts'
import { refuseRequest } from './client-errors.ts'
import { TOO_MANY_HEADERS, URL_TOO_LONG } from './server-refusals.ts'

/** Several times what browsers, proxies and tracing send together, and far fewer than Node takes. */
export const MAX_HEADER_LINES = 100
/** What RFC 9110 section 4.1 recommends that everybody takes at least; twenty times the longest that means anything here. */
export const MAX_URL_LENGTH = 8_000
/** Of the requests of one connection that stand behind one that is not answered yet: more than any client sends ahead. */
export const MAX_WAITING = 100

/** `isOthers`: whether the request is somebody else's, whose limits they know themselves. */
type Options = { isOthers(request: IncomingMessage): boolean; refused: RefusalObserver['refused'] }

/**
 * Whether a request is to be looked at any further; else it has had its answer, or its connection is gone. Before all else,
 * also before the hot read, so that it costs three comparisons. What stands in the way of every request does not wait for
 * a router or a hook.
 */
export function requestLimits({ isOthers, refused }: Options) {
  const isWithin = connectionLimit(refused)
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { url = '', rawHeaders } = request
    if (url.length > MAX_URL_LENGTH && !isOthers(request)) {
      refused('url-too-long')
      refuseRequest(request, response, URL_TOO_LONG)
      return false
    }
    if (rawHeaders.length > 2 * MAX_HEADER_LINES && !isOthers(request)) {
      refused('too-many-headers')
      refuseRequest(request, response, TOO_MANY_HEADERS)
      return false
    }
    return response.socket !== null || isWithin(request.socket, response)
  }
}

/**
 * Node hands on each request as soon as it has been read: one connection could have thousands under way, and take the
 * places of all others. Node gives a response its connection when its turn comes: one without waits for those before.
 */
function connectionLimit(refused: RefusalObserver['refused']) {
  const waiting = new WeakMap<Socket, number>()
  return (socket: Socket, response: ServerResponse): boolean => {
    // What had been read of it already is handed on all the same.
    if (socket.destroyed) return false
    const before = waiting.get(socket) ?? 0
    if (before >= MAX_WAITING) {
      refused('too-many-waiting')
      // No answer could be told from one to those before it. Clients that send ahead must be ready to send again.
      socket.destroy()
      return false
    }
    waiting.set(socket, before + 1)
    response.once('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1))
    return true
  }
}
