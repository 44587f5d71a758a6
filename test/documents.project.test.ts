import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { generatedDocuments } from '../scripts/docs.ts'
import { TIERS } from '../scripts/tests/tiers.ts'

const ROOT = join(import.meta.dirname, '..')

for (const { path, text } of await generatedDocuments()) {
  test(`${relative(ROOT, path)} is what the code says; if not: make docs`, async () => {
    assert.equal(await readFile(path, 'utf8'), text)
  })
}

test('what the documents link to in this repository is there', async () => {
  for (const document of [
    'README.md',
    'CONTRIBUTING.md',
    'contracts/events/README.md',
    'bench/README.md',
    'examples/legacy-django/README.md',
    'docs/consistency.md',
    'docs/contracts.md',
    'docs/resilience.md',
    'docs/image.md',
    'charts/users-service/README.md',
    'docs/decisions/README.md',
  ]) {
    const path = join(ROOT, document)
    const links = [...(await readFile(path, 'utf8')).matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link ?? '')
    for (const link of links.filter((one) => !one.includes('://')))
      assert.ok(existsSync(resolve(dirname(path), link)), `${document} → ${link}`)
  }
})

test('every test that docs/consistency.md names is there', async () => {
  const races = (await readFile(join(ROOT, 'docs', 'consistency.md'), 'utf8')).matchAll(/^\|.*\| (.*) \|$/gm)
  const named = [...races].flatMap(([, shownIn = '']) =>
    [...shownIn.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  assert.ok(named.length > 40)
  for (const name of named) {
    const endings = ['', '.ts', '.test.ts', ...TIERS.map((tier) => `.${tier}.test.ts`)]
    const found = [name, `src/projections/${name}`].flatMap((base) => endings.map((ending) => `${base}${ending}`))
    assert.ok(
      found.some((one) => existsSync(join(ROOT, one))),
      name,
    )
  }
})

test('the command line that the README names runs from any folder, by the Node that came with the packages', () => {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'bin', 'users-service'), ['--help'], {
    cwd: tmpdir(),
    // As on a machine with an older Node, or none.
    env: { PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  for (const verb of ['all', 'serve', 'work', 'seed', 'rebuild', 'config'])
    assert.match(stdout, new RegExp(`^  ${verb} `, 'm'))
})
