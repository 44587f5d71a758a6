import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring-log.ts'
import { type ConsistencyReport, consistencyOnce } from '../wiring-once.ts'
import { withBundledRedis } from './bundled-redis.ts'

export function consistencyCommand(): Command {
  return new Command('consistency')
    .description('Say how right the read models are, as the auditor has measured: what GET /health/consistency says')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: true }) => {
      const config = await withBundledRedis(readConfig())
      const report = await consistencyOnce(
        config,
        createServiceLog({ ...config, log: { ...config.log, level: 'warn' } }),
      )
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : inWords(report))
    })
}

function inWords(report: ConsistencyReport): string {
  const { sample, staleness, found, mended, walk, ahead } = report
  const lines = [
    `state            ${report.state}`,
    `nines            ${sample.nines}: of ${sample.checked} users drawn in ${report.windowHours} hours ${sample.differing} differed;`,
    `                 so at least ${(100 * sample.atLeast).toFixed(4)} % are in order, at 95 % confidence`,
    `staleness        p50 ${ms(staleness.p50Ms)}, p99 ${ms(staleness.p99Ms)}, longest ${ms(staleness.maxMs)}, of ${staleness.changes} changes`,
    `not yet shown    what was committed in the last ${ms(report.oldestUnprojectedMs)}`,
    ...(report.waiting === null ? [] : [`on their way     ${report.waiting} messages over Kafka`]),
    ...Object.entries(report.feed).flatMap(([what, count]) =>
      count > 0 ? [`changes          ${what}: ${count}`] : [],
    ),
    `last drawn       ${ago(report.sinceSampleMs)}`,
    `last full walk   ${ago(report.sinceWalkMs)}; ${walk ? `${walk.endedAt}: ${walk.checked} users, ${walk.differing} differences, ${ms(walk.ms)}` : 'none yet'}`,
    ...Object.entries(found).flatMap(([cause, count]) =>
      count > 0 ? [`found            ${cause}: ${count}, mended ${mended[cause] ?? 0}`] : [],
    ),
    ...ahead.map(
      (partition) =>
        `ALARM            partition ${partition}: Redis is ahead of the database. Set another service_epoch.epoch, restart.`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

const ago = (value: number | null): string => (value === null ? 'not yet' : `${ms(value)} ago`)
const ms = (value: number | null): string => (value === null ? '–' : `${value} ms`)
