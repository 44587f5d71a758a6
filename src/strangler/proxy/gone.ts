import type { Socket } from 'node:net'

const waiting = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `listener` when a client's connection is gone; answers how to undo that. Many requests may wait on one connection
 * (pipelining), and Node tells only the first of them.
 */
export function whenGone(socket: Socket, listener: () => void): () => void {
  if (socket.destroyed) {
    queueMicrotask(listener)
    return () => undefined
  }
  const listeners = waiting.get(socket) ?? watched(socket)
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function watched(socket: Socket): Set<() => void> {
  const listeners = new Set<() => void>()
  waiting.set(socket, listeners)
  socket.once('close', () => {
    for (const listener of listeners) listener()
  })
  return listeners
}
