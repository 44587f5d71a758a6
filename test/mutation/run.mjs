// Changes code in small ways, folder by folder, and runs the tests that lie beside it; says how many changes they find.
//   node test/mutation/run.mjs [folder …]

import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { percent } from '../../scripts/tests/coverage.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const REPORTS = join(ROOT, 'var', 'mutation-reports')
const FOUND = ['Killed', 'Timeout']
const MISSED = ['Survived', 'NoCoverage']
/** Tests beside the code, of all tiers that are of one process. */
const testsIn = (folder) => globSync(`${folder}/*.test.ts`, { cwd: ROOT, exclude: ['**/*.{e2e,drill}.test.ts'] }).sort()

process.chdir(ROOT)
// The sandbox has no .tools, where set-up may have put a Redis.
process.env.PATH = [process.env.PATH, join(ROOT, '.tools', 'valkey')].join(delimiter)
mkdirSync(REPORTS, { recursive: true })
const base = JSON.parse(readFileSync(join(import.meta.dirname, 'stryker.config.json'), 'utf8'))
const asked = process.argv.slice(2)
const folders = asked.length > 0 ? asked.map((folder) => folder.replace(/\/+$/, '')) : foldersOf(base.mutate)

const sum = { found: 0, missed: 0 }
const rows = []
for (const folder of folders) {
  const { found, missed } = await mutate(folder)
  sum.found += found
  sum.missed += missed
  rows.push(rowOf(folder, found, missed))
}
process.stdout.write(`\n${rows.join('')}${rowOf('together', sum.found, sum.missed)}`)

async function mutate(folder) {
  const name = folder.replaceAll('/', '-')
  const results = await new Stryker({
    ...base,
    mutate: [`${folder}/*.ts`, '!**/*.test.ts'],
    tap: { ...base.tap, testFiles: testsIn(folder) },
    jsonReporter: { fileName: join(REPORTS, `${name}.json`) },
  }).runMutationTest()
  const counted = (statuses) => results.filter(({ status }) => statuses.includes(status)).length
  return { found: counted(FOUND), missed: counted(MISSED) }
}

function foldersOf(patterns) {
  const files = globSync(patterns, { cwd: ROOT, exclude: ['**/*.test.ts'] })
  return [...new Set(files.map((file) => dirname(file)))].sort()
}

function rowOf(folder, found, missed) {
  const all = found + missed
  return `${folder}: ${found} of ${all} changes found, ${percent({ found: all, hit: found })} %\n`
}
