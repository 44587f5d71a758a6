import type { Crowd } from './crowd.ts'
import type { Flush } from './flush.ts'
import { table, toOne, toTwo, whole } from './markdown.ts'
import type { Rebuilt } from './rebuild.ts'
import { percentile } from './statistics.ts'
import type { Visibility } from './visibility.ts'

export function visibilitySection(visibility: Visibility): string {
  const { commands, shown, elsewhereAfterMs, foreignWrites, seenAfterMs } = visibility
  const told = (ms: number[]) =>
    `p50 ${toTwo(percentile(ms, 50))} ms, p99 ${toTwo(percentile(ms, 99))} ms, most ${toTwo(ms.at(-1) ?? Number.NaN)} ms`
  return `## Visibility

- Own commands: ${shown} of ${commands} were shown by the GET that followed the acknowledgement at once.
- The same commands, from the acknowledgement until another process, which had the user in its near cache, showed them:
  ${told(elsewhereAfterMs)}.
- Another program's writes, from its commit until two processes had both shown them: ${seenAfterMs.length} of ${foreignWrites} seen;
  ${told(seenAfterMs)}.`
}

export function crowdSection(crowds: Crowd[]): string {
  const rows = crowds.map(({ size, sources, slowestMs }, i) => {
    const from = ['near', 'redis', 'database'].map((source) => whole(sources[source] ?? 0))
    return [String(i + 1), whole(size), ...from, whole(slowestMs)]
  })
  const columns = ['', 'at once', 'from memory', 'from Redis', 'joined a read of the database', 'last answer after ms']
  return `## Readers of one missing user\n\n${table(columns, rows)}`
}

export function flushSection(flushes: Flush[]): string {
  const columns = [
    '',
    'answers checked',
    'wrong or failed',
    'read from the database',
    'last of them after ms',
    'slowest answer ms',
  ]
  const rows = flushes.map((flush, i) => [
    String(i + 1),
    whole(flush.answers),
    whole(flush.errors),
    whole(flush.fromDatabase),
    flush.recoveredMs === null ? '–' : whole(flush.recoveredMs),
    whole(flush.slowestMs),
  ])
  return `## FLUSHALL under the hot load\n\nEach answer was compared byte for byte.\n\n${table(columns, rows)}`
}

export function rebuildSection(rebuilds: Rebuilt[]): string {
  const rows = rebuilds.map(({ users, seconds, usersPerSecond, peakMib }) => {
    return [whole(users), toOne(seconds), whole(usersPerSecond), whole(peakMib)]
  })
  const [least, most] = [rebuilds[0], rebuilds.at(-1)]
  const ratio = least && most && most !== least ? most.peakMib / least.peakMib : null
  const note = ratio === null ? '' : `\n\nPeak memory grows by the factor ${toTwo(ratio)}.`
  return `## Rebuild into an empty Redis\n\n${table(['users', 'seconds', 'users/s', 'peak memory MiB'], rows)}${note}`
}
