import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { derbyFolder, driverPaths, ensureDrda, parsersFolder } from '../scripts/setup-drda.mjs'
import { fetchJars } from '../scripts/setup-tools.mjs'

const isSupported = process.platform === 'linux' && process.arch === 'x64'
const skip = isSupported ? false : "IBM's driver is for Linux on x86-64 only"

/** A project folder with what the test wants in it, and a PATH with these programs. */
async function project(t: TestContext, folders: (root: string) => string[], programs: string[] = []) {
  const root = await mkdtemp(join(tmpdir(), 'users-service-setup-'))
  t.after(() => rm(root, { recursive: true }))
  for (const folder of folders(root)) await mkdir(folder, { recursive: true })
  const bin = join(root, 'bin')
  await mkdir(bin)
  for (const program of programs) await symlink(process.execPath, join(bin, program))
  const said: string[] = []
  return { root, env: { PATH: bin }, write: (text: string) => void said.push(text), said }
}
const theDriver = (root: string) => {
  const { addon, binding, library, link } = driverPaths(root)
  return [addon, binding, library, link]
}
const everything = (root: string) => [...theDriver(root), derbyFolder(root), parsersFolder(root)]

test('where all is there, nothing is said and nothing done', { skip }, async (t) => {
  const tools = await project(t, everything, ['java'])
  assert.equal(ensureDrda({ ...tools, driverOnly: false }), undefined)
  assert.deepEqual(tools.said, [])
})

test('for the driver alone neither Java nor Derby is needed', { skip }, async (t) => {
  assert.equal(ensureDrda({ ...(await project(t, theDriver)), driverOnly: true }), undefined)
})

const MISSING: [what: string, folders: (root: string) => string[], programs: string[], why: RegExp][] = [
  ['npm’s package', () => [], [], /npm has left out the package ibm_db/],
  ['python3', (root) => [driverPaths(root).addon], [], /python3, .* is not on the PATH/],
  ['java', theDriver, [], /java, .* is not on the PATH/],
  ['mvn', theDriver, ['java'], /Apache Derby: mvn is not on the PATH/],
  ['mvn, for the parsers', (root) => [...theDriver(root), derbyFolder(root)], ['java'], /parsers of SQL: mvn is not/],
]
for (const [what, folders, programs, why] of MISSING) {
  test(`says what is missing: ${what}`, { skip }, async (t) => {
    assert.match(ensureDrda({ ...(await project(t, folders, programs)), driverOnly: false }) ?? '', why)
  })
}

test('a fetch that fails says why, and leaves nothing half done', async (t) => {
  // Node under the name of mvn: it does not know the options.
  const tools = await project(t, () => [], ['mvn'])
  const target = join(tools.root, '.tools', 'jars')
  const why = fetchJars({ ...tools, title: 'Fetching', pom: 'pom.xml', target })
  assert.match(why ?? '', /^Fetching: .*bad option/s)
  assert.match(tools.said.join(''), /^Fetching \.\.\. failed\n$/)
  assert.equal(driverPaths(tools.root).driver.startsWith(tools.root), true)
})
