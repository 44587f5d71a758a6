import type { IncomingMessage, ServerResponse } from 'node:http'
import { LINGER_MS } from './limits.ts'

/**
 * Ends an answer, of which all but the end is written. Before, it takes in what still comes of the request, for a while.
 * Whoever still sends after that may lose the end of an answer in chunks, though nothing before it. `isWaiting`: the client sends nothing more, since it waits to be told to go on.
 */
export function endGently(request: IncomingMessage, response: ServerResponse, isWaiting: boolean): void {
  if (request.complete || request.destroyed || isWaiting) return void response.end()
  const end = () => {
    clearTimeout(timer)
    request.off('end', end).off('close', end)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  request.on('end', end).on('close', end).resume()
}
