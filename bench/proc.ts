import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** How many ticks /proc counts a second. */
export function clockTicksPerSecond(): number {
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

/**
 * CPU time, user and system, that the process has used and all that descend from it, in ticks: those that have ended, too,
 * once their parent has waited for them. Throws when the process itself is gone.
 */
export function treeCpuTicks(root: number): number {
  const stats = allStats()
  const tree = [root]
  // Grows while it is walked, so that children's children are in it.
  for (const pid of tree) {
    for (const [other, { parent }] of stats) if (parent === pid) tree.push(other)
  }
  if (!stats.has(root)) throw new Error(`there is no process ${root}`)
  return tree.reduce((ticks, pid) => ticks + (stats.get(pid)?.ticks ?? 0), 0)
}

function allStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = textOf(`/proc/${pid}/stat`)
    if (stat !== null) stats.set(pid, readStat(stat))
  }
  return stats
}

/** The most memory that the process has held at a time; null when it has ended. */
export function peakMemoryKib(pid: number): number | null {
  const status = textOf(`/proc/${pid}/status`)
  return status === null ? null : peakOfStatus(status)
}

/** Null when the process has ended. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** `ticks`: of the process itself and of those of its children that it has waited for. */
export type Stat = { parent: number; ticks: number }

/**
 * proc(5): the parent is field 4, utime, stime, cutime and cstime are fields 14 to 17; the name, field 2, may itself hold
 * blanks and parentheses.
 */
export function readStat(stat: string): Stat {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const parent = Number(afterName[1])
  const ticks = afterName.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  if (afterName.length < 15 || !Number.isSafeInteger(parent) || !Number.isSafeInteger(ticks)) {
    throw new Error(`not a /proc/<pid>/stat: ${stat}`)
  }
  return { parent, ticks }
}

/** Null for a process that has ended and was not yet waited for: it has no memory any more. */
export function peakOfStatus(status: string): number | null {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(status)
  return found ? Number(found[1]) : null
}
