import { writeFile } from 'node:fs/promises'
import { describeHost } from '../../bench/machine.ts'
import { numberFrom, play } from '../support/on-demand.ts'
import { steadyReport } from './report.ts'
import { settingsOfChart } from './settings.ts'
import { steady } from './steady.ts'

const MOST_SECONDS = 7_200
const seconds = numberFrom('STEADY_SECONDS', 1_800, 60, MOST_SECONDS)
const rate = numberFrom('STEADY_RATE', 150, 10, 1_000)
const seed = numberFrom('STEADY_SEED', Date.now() % 1_000_000, 0, 2 ** 31)
const { STEADY_LEAK: leak = '', STEADY_SERIES: seriesFile = '' } = process.env
if (!['', 'memory', 'handles'].includes(leak)) throw new Error('STEADY_LEAK must be memory or handles')
const USERS = 3_000
/** Often enough for medians of thirds, seldom enough to be no load. */
const sampleEveryS = Math.max(1, Math.min(10, Math.floor(seconds / 60)))

await play(`${seconds} s, ${rate} requests/s, seed ${seed}`, async (stack, say) => {
  const settings = settingsOfChart()
  const planted = leak === '' ? null : (leak as 'memory' | 'handles')
  const result = await steady({ seconds, sampleEveryS, rate, users: USERS, seed, settings, leak: planted, say }, stack)
  process.stdout.write(steadyReport({ ...result, seconds, rate, seed, users: USERS, host: describeHost() }))
  // All samples, to look at what grows.
  if (seriesFile !== '') await writeFile(seriesFile, JSON.stringify(result.measures))
  return result.faults
})
