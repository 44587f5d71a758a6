import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Of the requests of a connection that are not answered yet. */
type Line = { last: ServerResponse; waiting: number }

/** More than any client sends before it has an answer to the first. */
export const MAX_WAITING = 100

const lines = new WeakMap<Socket, Line>()

/**
 * Requests that a client has sent before it was answered are carried out one after the other: one that was sent later must
 * not overtake one that changes something (RFC 9112 section 9.3.2), nor may one connection take the places of many. To be
 * called as they come. null: it may begin. False: too many wait.
 */
export function turnOf(socket: Socket, response: ServerResponse): Promise<void> | null | false {
  const line = lines.get(socket)
  if (line === undefined || isOver(line)) {
    lines.set(socket, { last: response, waiting: 0 })
    return null
  }
  if (line.waiting >= MAX_WAITING) return false
  const { last } = line
  line.last = response
  line.waiting += 1
  return new Promise((resolve) => {
    // Answers go out in the order of their requests: with this one all before it are over.
    last.once('close', () => {
      line.waiting -= 1
      resolve()
    })
  })
}

/** Whether something that has come over this connection is not answered yet. */
export function isWaiting(socket: Socket): boolean {
  const line = lines.get(socket)
  return line !== undefined && !isOver(line)
}

const isOver = ({ last }: Line): boolean => last.writableFinished || last.destroyed
