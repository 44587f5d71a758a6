import { readFileSync } from 'node:fs'
import { monotonicMs } from '../clock.ts'
import { clockTicksPerSecond, peakMemoryKib, treeCpuTicks } from '../proc.ts'

const KIB_A_MIB = 1_024

export type Kind = 'projectors' | 'relay' | 'broker' | 'redis'
export type Pids = Partial<Record<Kind, number[]>>
/** `machineBusy`: what share of all cores' time was used, by whomever. */
export type Usage = { seconds: number; cpuSeconds: Partial<Record<Kind, number>>; machineBusy: number }
/** In ticks since the machine's start. `busy`: neither idle nor waiting for a disk. */
export type MachineTicks = { busy: number; total: number }

/** What these processes use from now until it is called. */
export function meter(pids: Pids): () => Usage {
  const ticksPerSecond = clockTicksPerSecond()
  const look = () => ({
    atMs: monotonicMs(),
    machine: readMachine(readFileSync('/proc/stat', 'utf8')),
    ticks: Object.entries(pids).map(([kind, some]) => [kind, some.reduce((sum, pid) => sum + treeCpuTicks(pid), 0)]),
  })
  const before = look()
  return () => {
    const after = look()
    const used = after.ticks.map(([kind, ticks], i) => [
      kind,
      (Number(ticks) - Number(before.ticks[i]?.[1])) / ticksPerSecond,
    ])
    return {
      seconds: (after.atMs - before.atMs) / 1_000,
      cpuSeconds: Object.fromEntries(used) as Usage['cpuSeconds'],
      machineBusy: busyShare(before.machine, after.machine),
    }
  }
}

/** proc(5): user, nice, system, idle, iowait, irq, softirq, steal. What follows, guests' time, is in the first two. */
export function readMachine(stat: string): MachineTicks {
  const fields = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').slice(0, 8).map(Number) ?? []
  const [, , , idle = Number.NaN, waiting = Number.NaN] = fields
  const total = fields.reduce((sum, ticks) => sum + ticks, 0)
  if (fields.length < 8 || !Number.isSafeInteger(total)) throw new Error('not a /proc/stat')
  return { busy: total - idle - waiting, total }
}

export function busyShare(before: MachineTicks, after: MachineTicks): number {
  return (after.busy - before.busy) / (after.total - before.total)
}

export function peakMib(pid: number): number {
  const kib = peakMemoryKib(pid)
  if (kib === null) throw new Error(`process ${pid} has ended before its memory was looked at`)
  return kib / KIB_A_MIB
}
