import type { Duplex } from 'node:stream'
import { LINGER_MS } from './limits.ts'
import { pump } from './pump.ts'
import type { Watch } from './watch.ts'

type Options = {
  client: Duplex
  legacy: Duplex
  clock: Watch
  silenceMs: number
  /** What the client has sent already, and the legacy application. */
  first: Buffer
  answered: Buffer
}

/** Two connections become one, until either is closed, or nothing has moved for `silenceMs`. */
export function join({ client, legacy, clock, silenceMs, first, answered }: Options): void {
  const end = () => {
    clock.stop()
    client.destroy()
    legacy.destroy()
  }
  const oneWay = (from: Duplex, to: Duplex, already: Buffer) => {
    // The other side may shut one direction only.
    pump({ from, to, moved: clock.moved, ended: () => to.end() })
    if (already.length > 0) to.write(already)
    from.on('error', end)
    from.on('close', () => {
      to.end()
      if (to.closed) clock.stop()
      else clock.phase(LINGER_MS, end)
    })
  }
  if (client.destroyed || legacy.destroyed) return void end()
  clock.silence(silenceMs, end)
  oneWay(client, legacy, first)
  oneWay(legacy, client, answered)
}
