import { readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Two lines: the server's process id, and that of the process that started it. */
export const PID_FILE = 'redis.pid'

const STOP_LIMIT_MS = 15_000
const KILL_LIMIT_MS = 2_000
const POLL_MS = 10

/**
 * Ends the server that an earlier process left in `dir` because it was killed before it could end it: two servers would
 * overwrite each other's snapshot. Process ids are used again, so a process is ended only if it is a Redis server that
 * runs in this very folder; anything else is left alone, and so is everything where there is no /proc.
 * Rejects when the process that started it still lives.
 */
export async function endLeftover(dir: string): Promise<void> {
  const [pid, owner] = readText(join(dir, PID_FILE)).split('\n').map(Number)
  if (!pid || !Number.isSafeInteger(pid) || !isServerIn(pid, dir)) return
  if (parentOf(pid) === owner) {
    throw new Error(`Process ${owner} is running its Redis in ${dir}: stop it, or use another folder.`)
  }
  for (const [signal, limitMs] of [['SIGTERM', STOP_LIMIT_MS] as const, ['SIGKILL', KILL_LIMIT_MS] as const]) {
    send(signal, pid)
    const deadline = Date.now() + limitMs
    while (Date.now() < deadline) {
      // A process that ended but was not yet waited for has no command line any more.
      if (!isServerIn(pid, dir)) return
      await delay(POLL_MS)
    }
  }
  throw new Error(`Process ${pid}, a Redis that an earlier process left in ${dir}, does not end.`)
}

function isServerIn(pid: number, dir: string): boolean {
  // The program's own name and path only: an editor that has redis-server among its arguments is none.
  const isServer = /^([^\0]*\/)?(redis|valkey)-server[ \0]/.test(readText(`/proc/${pid}/cmdline`))
  try {
    return isServer && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dir)
  } catch {
    return false
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readText(`/proc/${pid}/status`))?.[1])
}

function send(signal: NodeJS.Signals, pid: number): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It ended by itself meanwhile, which is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
