import { once } from 'node:events'
import { monotonicMs } from '../clock.ts'
import { exchange, type Running } from '../processes.ts'
import type { Stage } from '../stage.ts'
import { LARGE_PATH, type LegacyOrder, SMALL_PATH } from './legacy-process.ts'

const SMALL_BYTES = 600
const LARGE_BYTES = 65_536

export const SMALL_PAGE = JSON.stringify({ page: 'x'.repeat(SMALL_BYTES - '{"page":""}'.length) })
export const LARGE_PAGE = JSON.stringify({ page: 'x'.repeat(LARGE_BYTES - '{"page":""}'.length) })

/** When it was done, on the clock that all processes share. */
type Change = () => Promise<number>
export type Legacy = {
  port: number
  url: string
  pid(): number
  kill: Change
  /** At the same port. */
  restart: Change
  freeze: Change
  thaw: Change
  rubbish: Change
  well: Change
}

/** The legacy application, a process of its own that may be ill-treated. `pages`: what it answers besides the fixed ones. */
export async function startLegacy({ processes }: Stage, pages: Record<string, string>): Promise<Legacy> {
  const order = { pages: { [SMALL_PATH]: SMALL_PAGE, [LARGE_PATH]: LARGE_PAGE, ...pages } }
  const begin = async (at: number) => {
    const running = processes.helper('legacy', 'strangler/legacy-process.ts', [])
    const { port } = await exchange<{ port: number }>(running, { port: at, ...order } satisfies LegacyOrder)
    return { running, port }
  }
  const { running: first, port } = await begin(0)
  let running: Running = first
  const told = async (message: LegacyOrder) => {
    await exchange(running, message)
    return monotonicMs()
  }
  const signalled = async (signal: NodeJS.Signals) => {
    running.child.kill(signal)
    return monotonicMs()
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    pid: () => running.pid,
    async kill() {
      const ended = once(running.child, 'exit')
      const atMs = await signalled('SIGKILL')
      await ended
      return atMs
    },
    async restart() {
      running = (await begin(port)).running
      return monotonicMs()
    },
    freeze: () => signalled('SIGSTOP'),
    thaw: () => signalled('SIGCONT'),
    rubbish: () => told({ isRubbish: true }),
    well: () => told({ isRubbish: false }),
  }
}
