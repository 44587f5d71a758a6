import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { hasEnded, type Processes, type Running } from '../../bench/processes.ts'
import { until } from '../support/service.ts'

const THAW_LIMIT_MS = 15_000
/** As Kubernetes would, only sooner. */
const RESTART_AFTER_MS = 200

/** One worker that is started again whenever it has been killed. */
export type Member = ReturnType<typeof member>

export function member(processes: Processes, name: string, args: string[], env: NodeJS.ProcessEnv) {
  let running: Running = processes.service(name, args, env)
  let crashed = false
  const watch = (process: Running) =>
    process.child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) crashed = true
    })
  watch(running)
  return {
    name,
    /** Whether it ever ended by itself. */
    crashed: () => crashed,
    lastWords: () => processes.lastWords(name),
    async kill(): Promise<void> {
      if (hasEnded(running)) return
      const ended = once(running.child, 'exit')
      running.child.kill('SIGKILL')
      await ended
    },
    async start(): Promise<void> {
      if (!hasEnded(running)) return
      await delay(RESTART_AFTER_MS)
      running = processes.service(name, args, env)
      watch(running)
    },
    freeze: () => void running.child.kill('SIGSTOP'),
    thaw: () => void running.child.kill('SIGCONT'),
    /** As at a deployment. */
    async stop(): Promise<void> {
      if (hasEnded(running)) return
      running.child.kill('SIGTERM')
      await until(`${name} has ended`, async () => hasEnded(running), THAW_LIMIT_MS)
    },
  }
}
