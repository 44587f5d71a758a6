import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Run as a test file, measured by Node, which reports of whatever lies in its folder when that has ended: what processes of
 * earlier runs have covered is laid there. MERGED: folders of theirs, as PATH has them. Files that a test has loaded once
 * more, altered (test/support/plant.ts), are left out: their URL has a query, and what stands where in them is another matter.
 */
const { MERGED = '', NODE_V8_COVERAGE } = process.env
if (!NODE_V8_COVERAGE)
  throw new Error('Node does not measure this file: it needs --test and --experimental-test-coverage.')
for (const folder of MERGED.split(delimiter)) {
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] }
    const files = result.filter(({ url }) => !url.includes('?'))
    writeFileSync(join(NODE_V8_COVERAGE, name), JSON.stringify({ result: files }))
  }
}
