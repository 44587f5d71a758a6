import type { ChildProcess } from 'node:child_process'

/** Servers of this process that run. A child process that has ended is never signalled, whoever has its number now. */
const running = new Set<ChildProcess>()

/** Ends the child when this process does, in whatever way but SIGKILL; endLeftover is for that one. */
export function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll)
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', endAll)
  })
}

/** Nothing can be waited for any more; a persistent server still writes its snapshot. */
function endAll(): void {
  for (const child of running) child.kill('SIGTERM')
}
