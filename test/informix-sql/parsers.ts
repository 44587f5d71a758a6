import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parsersFolder } from '../../scripts/setup-drda.mjs'
import { findOnPath } from '../../scripts/setup-tools.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LIMIT_MS = 120_000

/** Why there are no parsers here, or null; where tests must not be left out, an error. */
export function parsersMissing(): string | null {
  if (existsSync(parsersFolder(ROOT)) && findOnPath('java', process.env.PATH)) return null
  if (process.env.CI) throw new Error('the parsers of SQL are not here')
  return 'java or the parsers of SQL are not here: node scripts/setup-drda.mjs says more'
}

/** By statement: why JSqlParser or Druid's dialect of Informix refuses it; null where both take it. */
export function parseAll(statements: string[]): Map<string, string | null> {
  const program = join(ROOT, 'scripts', 'sql-parsers', 'Parse.java')
  const { status, stdout, stderr } = spawnSync('java', ['-cp', join(parsersFolder(ROOT), '*'), program], {
    input: statements.join('\0'),
    encoding: 'utf8',
    timeout: LIMIT_MS,
    maxBuffer: 16 * 1024 * 1024,
  })
  const lines = stdout.trimEnd().split('\n')
  if (status !== 0 || lines.length !== statements.length) throw new Error(`the parsers failed: ${stderr}`)
  return new Map(statements.map((statement, index) => [statement, lines[index] === 'ok' ? null : (lines[index] ?? '')]))
}
