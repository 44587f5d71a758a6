import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** How many ticks /proc counts a second. */
export function clockTicksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

/** CPU time, user and system, that all threads of the process have used, in ticks. */
export function cpuTicks(pid: number): number {
  return ticksOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** The most memory that the process has held at a time; null when it has ended. */
export function peakMemoryKib(pid: number): number | null {
  try {
    return peakOfStatus(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return null
  }
}

/** proc(5): utime and stime are fields 14 and 15; the name, field 2, may itself hold blanks and parentheses. */
export function ticksOfStat(stat: string): number {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(afterName[11]) + Number(afterName[12])
  if (!Number.isSafeInteger(ticks)) throw new Error(`not a /proc/<pid>/stat: ${stat}`)
  return ticks
}

/** Null for a process that has ended and was not yet waited for: it has no memory any more. */
export function peakOfStatus(status: string): number | null {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(status)
  return found ? Number(found[1]) : null
}
