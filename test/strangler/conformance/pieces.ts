import type { Socket } from 'node:net'

/** Each piece in a turn of the event loop of its own: what is written in one may arrive as one. */
export async function writeInPieces(socket: Socket, bytes: Buffer, size: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    if (socket.destroyed) return
    socket.write(bytes.subarray(at, at + size))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
