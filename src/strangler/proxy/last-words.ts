import type { Socket } from 'node:net'

/** Whatever has been said already is there to be read: this is long. */
const LONGEST_READ_MS = 500

type Written = (error?: Error | null) => void

/**
 * Who answers a request before it has ended, and closes, makes the rest of it fail to be written; Node then throws away
 * what has not been read yet: that very answer. So of a connection that cannot be written to any more the stream is told
 * late: reading goes on meanwhile, until it ends or fails by itself.
 */
export function hearLastWords(socket: Socket): void {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  const late = (written: Written): Written => {
    return (error) => {
      if (!error) return written()
      const timer = setTimeout(() => written(error), LONGEST_READ_MS)
      socket.once('close', () => clearTimeout(timer))
    }
  }
  socket._write = (bytes, encoding, written) => write(bytes, encoding, late(written))
  if (writev) socket._writev = (parts, written) => writev(parts, late(written))
}
