import { table, toOne, whole } from '../markdown.ts'
import type { Passed } from './memory.ts'

const MIB = 1_048_576

export function memorySection(passed: Passed[]): string {
  const rows = passed.map((one) => [
    one.what,
    `${whole(one.bytes / MIB)} MiB`,
    whole(one.beforeBytes / MIB),
    whole(one.peakBytes / MIB),
    whole(one.afterBytes / MIB),
    whole(growthMib(one)),
    `${whole(one.bytes / MIB / one.seconds)} MiB/s`,
  ])
  const most = passed.toSorted((one, other) => growthMib(other) - growthMib(one))[0]
  const share = most === undefined ? Number.NaN : (100 * growthMib(most)) / (most.bytes / MIB)
  return `## Large bodies

Zeros, made by one side and thrown away by the other; memory (RSS) of the service’s process, looked at every 10 ms, in MiB. One process, which has done
nothing before.

${table(['', 'body', 'before', 'peak', '2 s after', 'growth', 'throughput'], rows)}

The most that it grew by is ${toOne(share)} % of what passed: a body is never held, only what the slower side has not taken yet, and what the
collector has not yet thrown away. Throughput is that of all three processes on these cores.`
}

export function growthMib({ beforeBytes, peakBytes }: Passed): number {
  return (peakBytes - beforeBytes) / MIB
}
