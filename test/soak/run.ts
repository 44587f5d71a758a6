import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../bench/processes.ts'
import { FAULTS } from './faults.ts'
import { failures, report } from './report.ts'
import { soak } from './soak.ts'

const PAGE = join(ROOT, 'docs', 'soak.md')
const OPTIONS = { users: 3_000, rounds: Number.POSITIVE_INFINITY, calmMs: 6_000, pauseMs: 3_000 }
const LEAST_SECONDS = 10
const MOST_SECONDS = 3_600

const seconds = numberFrom('SOAK_SECONDS', 180, LEAST_SECONDS, MOST_SECONDS)
const seed = numberFrom('SOAK_SEED', Date.now() % 1_000_000, 0, 2 ** 31)
/** To look into one kind of fault: a part of its name. */
const faults = Object.keys(FAULTS).filter((kind) => kind.includes(process.env.SOAK_FAULTS ?? ''))
const startedAt = Date.now()
const say = (doing: string) =>
  void process.stderr.write(`${((Date.now() - startedAt) / 1_000).toFixed(1)} s  ${doing}\n`)

function numberFrom(name: string, fallback: number, least: number, most: number): number {
  const value = Number(process.env[name] || fallback)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`${name} must be a whole number, ${least} to ${most}`)
}

const stack = new AsyncDisposableStack()
let ending: Promise<void> | undefined
const end = () => {
  ending ??= stack.disposeAsync()
  return ending
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void end().finally(() => process.exit(128 + constants.signals[signal])))
}
try {
  say(`seed ${seed}, ${seconds} s`)
  const results = await soak({ ...OPTIONS, seconds, seed, faults, say }, stack)
  const page = report(results)
  process.stdout.write(page)
  const failed = failures(results).length > 0
  if (failed) process.exitCode = 1
  else if (process.argv.includes('--write')) await writeFile(PAGE, page)
} catch (error) {
  // While everything is being ended on a signal, whatever was going on fails.
  if (ending === undefined) process.stderr.write(`${error instanceof Error ? error.stack : error}\nseed ${seed}\n`)
  process.exitCode = 1
} finally {
  await end()
}
