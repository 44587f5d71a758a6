import type { Socket } from 'node:net'

export type ByteReader = ReturnType<typeof byteReader>

const HEAD_END = '\r\n\r\n'
const LINE_END = '\r\n'
/** Heads and lines are shorter in every case; who sends more never ends one. */
const MAX_HEAD_BYTES = 262_144

/** Takes what a socket delivers, in whatever pieces, and gives as much of it as is asked for. Never rejects. */
export function byteReader(socket: Socket, limitBytes: number) {
  let pieces: Buffer[] = []
  let held = 0
  let received = 0
  let isOver = false
  let wake: () => void = () => undefined
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    held += piece.length
    received += piece.length
    if (received > limitBytes) socket.destroy()
    wake()
  })
  for (const event of ['end', 'close', 'error']) {
    socket.on(event, () => {
      isOver = true
      wake()
    })
  }

  /** False: nothing more will come. */
  const more = async (): Promise<boolean> => {
    if (isOver) return false
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    return true
  }
  const all = (): Buffer => {
    const [first] = pieces
    const joined = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces)
    pieces = [joined]
    return joined
  }
  const cut = (bytes: number): Buffer => {
    const joined = all()
    pieces = bytes < joined.length ? [joined.subarray(bytes)] : []
    held -= bytes
    return joined.subarray(0, bytes)
  }
  const through = async (mark: string): Promise<Buffer | null> => {
    for (;;) {
      const at = all().indexOf(mark)
      if (at !== -1) return cut(at + mark.length)
      if (held > MAX_HEAD_BYTES || !(await more())) return null
    }
  }
  return {
    /** With the empty line that ends it; null when the connection ended before. What had come is left. */
    head: () => through(HEAD_END),
    /** With its end. */
    line: () => through(LINE_END),
    /** Fewer when the connection ended before. */
    async take(bytes: number): Promise<Buffer> {
      while (held < bytes && (await more()));
      return cut(Math.min(bytes, held))
    },
    /** All until the end of the connection. */
    async rest(): Promise<Buffer> {
      while (await more());
      return cut(held)
    },
    /** At least one byte, unless nothing more comes. */
    async some(): Promise<Buffer> {
      while (held === 0 && (await more()));
      return cut(held)
    },
    /** Until at least one byte stands ready, or nothing more comes. */
    async present(): Promise<void> {
      while (held === 0 && (await more()));
    },
    /** What has come and was not asked for. */
    held: () => held,
    isOver: () => isOver,
  }
}
