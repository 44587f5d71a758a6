import type { Socket } from 'node:net'

const shut = new WeakSet<Socket>()

/**
 * The connection is closed after an answer that is about to be given. What has come behind its request is not carried out
 * (RFC 9112 section 9.6): nobody would be told; and behind one that is refused it may be no request at all.
 */
export function shutAfterThis(socket: Socket): void {
  shut.add(socket)
}

export function isShut(socket: Socket): boolean {
  return shut.has(socket)
}
