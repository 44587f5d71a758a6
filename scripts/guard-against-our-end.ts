import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * A shell that waits on a pipe from us. However we end, even by SIGKILL, which no handler sees, the pipe closes; then it
 * ends the process (a negative number: the whole process group) and deletes the folder. null for what there is not.
 */
export function guardAgainstOurEnd(pid: number | null, dir: string | null) {
  const script = 'read -r _; [ -z "$1" ] || kill -KILL "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"'
  const guard = spawn('/bin/sh', ['-c', script, 'sh', pid ? String(pid) : '', dir ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(guard, 'exit')
  guard.unref()
  // An open pipe would keep this process alive.
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref()
  return {
    end: async () => {
      guard.ref()
      guard.kill('SIGKILL')
      await ended
    },
  }
}
