import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { clockTicksPerSecond, readStat } from '../../bench/proc.ts'
import { readExposition } from '../support/exposition.ts'
import { LIMITS, type Measure, type Series } from './flatness.ts'
import type { Pod } from './kubelet.ts'
import type { Stage } from './stage.ts'

const ASK_LIMIT_MS = 5_000
const BYTES_A_KIB = 1_024
const PERCENT = 100
const MS_A_SECOND = 1_000

/** Looks at every process, at Redis and at the database's log, each time that it is told to. */
export function sampler(stage: Stage, resourcesDir: string) {
  const all = new Map<string, Series>()
  const ticks = new Map<number, { ticks: number; atS: number }>()
  const [master] = stage.redis.servers
  const ticksPerSecond = clockTicksPerSecond()
  const add = (who: string, what: Measure, atS: number, value: number | null) => {
    if (value === null || Number.isNaN(value)) return
    const key = `${who} ${what}`
    const series: Series = all.get(key) ?? { who, what, points: [] }
    all.set(key, series)
    series.points.push({ atS, value: value / (LIMITS[what]?.unit ?? 1) })
  }
  const cpu = (pid: number, atS: number): number | null => {
    const now = readStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks
    const before = ticks.get(pid)
    ticks.set(pid, { ticks: now, atS })
    return before ? ((now - before.ticks) / ticksPerSecond / (atS - before.atS)) * PERCENT : null
  }
  const ofProcess = (who: string, pid: number, atS: number) => {
    add(who, 'RSS MiB', atS, residentBytes(pid))
    add(who, 'open files', atS, readdirSync(`/proc/${pid}/fd`).length)
    add(who, 'CPU %', atS, cpu(pid, atS))
  }
  const ofPod = async ({ name, running: { pid }, ports }: Pod, atS: number) => {
    ofProcess(name, pid, atS)
    // A machine that others use as well is late at times: then there is a sample less.
    const metrics = await metricsAt(ports.metrics).catch(() => () => Number.NaN)
    add(name, 'heap used MiB', atS, metrics('nodejs_heap_size_used_bytes'))
    add(name, 'loop delay p99 ms', atS, metrics('nodejs_eventloop_delay_p99_seconds') * MS_A_SECOND)
    add(name, 'active handles', atS, Number(textOf(join(resourcesDir, `resources-${pid}`)) ?? Number.NaN))
  }
  const ofRedis = async (atS: number) => {
    ofProcess('Redis', master.pid(), atS)
    const info = `${await master.ask('INFO memory')}${await master.ask('INFO clients')}`
    const value = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN)
    add('Redis', 'memory MiB', atS, value('used_memory'))
    add('Redis', 'connections', atS, value('connected_clients'))
  }
  return {
    series: () => [...all.values()],
    async look(atS: number): Promise<void> {
      const pods = [...stage.pods.values()].flat()
      await Promise.all([...pods.map((pod) => ofPod(pod, atS)), ofRedis(atS)])
      add('database', 'WAL MiB', atS, statSync(`${stage.path}-wal`).size)
    },
  }
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? Number.NaN) * BYTES_A_KIB
}

async function metricsAt(port: number): Promise<(name: string) => number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(ASK_LIMIT_MS) })
  const samples = readExposition(await answer.text()).flatMap((family) => family.samples)
  return (name) => samples.find((one) => one.name === name)?.value ?? Number.NaN
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
