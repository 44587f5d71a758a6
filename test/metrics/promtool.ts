import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { goTool } from '../../scripts/setup-go-tools.mjs'

const ROOT = join(import.meta.dirname, '..', '..')
const LIMIT_MS = 180_000

const program = goTool(ROOT, 'promtool')
/** Why what it would find is left out; false where it is there, or has to be: `make test-chart` builds it. */
export const withoutPromtool: string | false =
  existsSync(program) || process.env.PROMTOOL === 'needed' ? false : 'promtool is not here: make test-chart'

/** What it says, and with what it ends. */
export function promtool(args: string[], input = ''): { status: number | null; said: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8', timeout: LIMIT_MS })
  if (error) throw error
  return { status, said: `${stdout}${stderr}`.trim() }
}
