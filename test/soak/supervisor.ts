import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from '../../bench/clock.ts'
import { hasEnded, type Running } from '../../bench/processes.ts'
import type { Dice } from '../../src/jobs/seed/random.ts'
import type { Timeline } from './timeline.ts'

const RESTART_LEAST_MS = 200
const RESTART_SPREAD_MS = 600
const READY_LIMIT_MS = 60_000
const POLL_MS = 100

export type Supervised = {
  name: string
  pid(): number
  /** By SIGKILL; it is started again, as Kubernetes would. */
  kill(): void
  /** SIGSTOP, and SIGCONT after that long. */
  freeze(ms: number): Promise<void>
  isReady(): Promise<boolean>
  /** Resolves when it answers. */
  ready(): Promise<void>
  end(): Promise<void>
}

type Options = {
  name: string
  start(): Running
  isReady(running: Running): Promise<boolean>
  timeline: Timeline
  roll: Dice
  /** Everything is being ended: nothing is started any more. */
  isEnding(): boolean
  /** It ended, and nobody had told it to. */
  onCrash(name: string): void
}

/** Keeps a process running until it is told to end. */
export function supervise({ name, start, isReady, timeline, roll, isEnding, onCrash }: Options): Supervised {
  let running: Running
  let ended = false
  let killed = false
  let backUp: (toMs: number) => void = () => undefined

  const begin = () => {
    running = start()
    running.child.once('exit', () => void again())
    void untilReady().then((ready) => {
      if (ready) backUp(monotonicMs())
    })
  }
  const again = async () => {
    if (ended || isEnding()) return
    if (!killed) {
      backUp = timeline.down(name, monotonicMs())
      onCrash(name)
    }
    killed = false
    await delay(RESTART_LEAST_MS + roll.below(RESTART_SPREAD_MS))
    if (!ended && !isEnding()) begin()
  }
  const untilReady = async (): Promise<boolean> => {
    const mine = running
    for (const deadline = monotonicMs() + READY_LIMIT_MS; monotonicMs() < deadline; await delay(POLL_MS)) {
      if (ended || mine !== running || hasEnded(mine)) return false
      if (await isReady(mine).catch(() => false)) return true
    }
    return false
  }
  begin()
  return {
    name,
    pid: () => running.pid,
    kill() {
      if (hasEnded(running)) return
      killed = true
      backUp = timeline.down(name, monotonicMs())
      running.child.kill('SIGKILL')
    },
    async freeze(ms) {
      const frozen = running
      if (hasEnded(frozen)) return
      const thaw = timeline.down(name, monotonicMs())
      frozen.child.kill('SIGSTOP')
      await delay(ms)
      frozen.child.kill('SIGCONT')
      thaw(monotonicMs())
    },
    isReady: async () => !hasEnded(running) && isReady(running).catch(() => false),
    async ready() {
      if (!(await untilReady())) throw new Error(`${name} did not get ready`)
    },
    async end() {
      ended = true
      if (!hasEnded(running)) running.child.kill('SIGCONT')
      await running.stop()
    },
  }
}
