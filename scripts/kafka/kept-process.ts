import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { guardAgainstOurEnd } from '../guard-against-our-end.ts'

export type KeptProcess = ReturnType<typeof keepProcess>

/** One child process after another, of which none outlives us, nor does the folder. null: none is to go. */
export function keepProcess(folder: string | null) {
  let child: ChildProcess | null = null
  let guard = guardAgainstOurEnd(null, folder)

  // The new guard stands before the old one goes.
  const guardOver = async (pid: number | null) => {
    const former = guard
    guard = guardAgainstOurEnd(pid, folder)
    await former.end()
  }
  const isRunning = () => child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  const signal = (name: NodeJS.Signals) => void (isRunning() && child?.kill(name))
  const ended = async () => {
    if (!child || !isRunning()) return
    child.ref()
    await once(child, 'exit')
  }
  const kill = async () => {
    signal('SIGKILL')
    await ended()
    // Its number may be somebody else's soon.
    await guardOver(null)
  }
  return {
    isRunning,
    signal,
    /** 0 while none runs. */
    pid: () => (isRunning() && child?.pid) || 0,
    /** Resolves when it has ended; keeps this process alive meanwhile. */
    ended,
    kill,
    /** It takes the place of the one before, which has ended. */
    async take(next: ChildProcess) {
      child = next
      // What cannot be started has no pid, and that is looked at.
      next.on('error', () => undefined)
      next.unref()
      await guardOver(next.pid ?? null)
    },
    /** Ends it, with its folder. */
    async leave() {
      await kill()
      await guard.end()
      if (folder !== null) rmSync(folder, { recursive: true, force: true })
    },
  }
}
