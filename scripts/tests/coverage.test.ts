import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldersIn, tableOf, tooLow } from './coverage.ts'

/** One file in an lcov report. */
const file = (path: string, [linesHit, lines]: [number, number], [hit, found]: [number, number]): string =>
  [`TN:`, `SF:${path}`, `BRDA:1,0,0,1`, `BRF:${found}`, `BRH:${hit}`, `DA:1,1`, `LH:${linesHit}`, `LF:${lines}`]
    .concat('end_of_record', '')
    .join('\n')

const GOOD = [
  file('src/domain/a.ts', [9, 10], [96, 100]),
  file('src/projections/user/b.ts', [10, 10], [60, 60]),
  file('src/projections/c.ts', [10, 10], [35, 40]),
  file('src/strangler/proxy/d.ts', [1, 2], [95, 100]),
  file('src/app.ts', [1, 1], [0, 1]),
  file('workers/jobs.ts', [1, 3], [1, 1]),
]

test('files are summed by folder; what is in none of them is the rest', () => {
  const folders = foldersIn(GOOD.join(''))
  assert.deepEqual(folders.get('projections'), { lines: { found: 20, hit: 20 }, branches: { found: 100, hit: 95 } })
  assert.deepEqual(folders.get('rest'), { lines: { found: 4, hit: 2 }, branches: { found: 2, hit: 1 } })
  assert.equal(folders.has('commands'), false)
})

test('95 % of the branches are enough, and less is not, be it ever so little', () => {
  assert.deepEqual(tooLow(foldersIn(GOOD.join(''))), [])
  const low = tooLow(foldersIn(GOOD.concat(file('src/strangler/e.ts', [1, 1], [0, 1])).join('')))
  assert.deepEqual(low, ['Of src/strangler the tests take 95 of 101 branches; at least 95 % are asked for.'])
})

test('of other folders nothing is asked', () => {
  assert.deepEqual(tooLow(foldersIn(GOOD.concat(file('src/cli/f.ts', [0, 9], [0, 9])).join(''))), [])
})

test('a folder that was not measured at all is too low', () => {
  const low = tooLow(foldersIn(GOOD.filter((text) => !text.includes('/domain/')).join('')))
  assert.deepEqual(low, ['Of src/domain the tests take 0 of 0 branches; at least 95 % are asked for.'])
})

test('the table has a row a folder, and says no more than there is', () => {
  const almost = foldersIn(file('src/domain/a.ts', [9_999, 10_000], [9_496, 9_996]))
  const rows = tableOf([
    { name: 'unit', folders: almost },
    { name: 'together', folders: foldersIn(GOOD.join('')) },
  ]).split('\n')
  assert.match(rows[0] ?? '', /^ +unit +together$/)
  const domain = rows.find((row) => row.startsWith('domain'))
  assert.deepEqual(domain?.split(/ +/), ['domain', '99.9', '94.9', '90.0', '96.0'])
  const cli = rows.find((row) => row.startsWith('cli'))
  assert.deepEqual(cli?.split(/ +/), ['cli', '–', '–', '–', '–'])
})
