import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../bench/processes.ts'
import { numberFrom, play } from '../support/on-demand.ts'
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

await play(`seed ${seed}, ${seconds} s`, async (stack, say) => {
  const results = await soak({ ...OPTIONS, seconds, seed, faults, say }, stack)
  const page = report(results)
  process.stdout.write(page)
  const wrong = failures(results)
  if (wrong.length === 0 && process.argv.includes('--write')) await writeFile(PAGE, page)
  return wrong
})
