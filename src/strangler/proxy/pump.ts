import type { Readable, Writable } from 'node:stream'

type Options = {
  from: Readable
  to: Writable
  /** Something has moved: `bytes`, or, without any, there is room again. */
  moved(bytes: Buffer | null): void
  /** All of it was there. */
  ended(): void
}
export type Pump = {
  /** Whether it waits for `to` to take what it has. */
  isHeldUp(): boolean
  /** What still comes is thrown away. */
  stop(): void
}

/** Carries a body on as fast as the other side takes it, and reads no more than that. Ends nothing by itself. */
export function pump({ from, to, moved, ended }: Options): Pump {
  let isHeldUp = false
  const onData = (bytes: Buffer) => {
    moved(bytes)
    if (to.write(bytes)) return
    isHeldUp = true
    from.pause()
  }
  const onDrain = () => {
    if (!isHeldUp) return
    isHeldUp = false
    moved(null)
    from.resume()
  }
  from.on('data', onData)
  from.on('end', ended)
  to.on('drain', onDrain)
  return {
    isHeldUp: () => isHeldUp,
    stop() {
      from.off('data', onData)
      from.off('end', ended)
      to.off('drain', onDrain)
      from.resume()
    },
  }
}
