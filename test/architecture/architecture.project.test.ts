import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { checkAll, type Fault, type File, layerOf, RULES } from './check.ts'
import { PLANTED } from './planted.ts'
import { LAYERS, PACKAGES } from './rules.ts'

const ROOT = join(import.meta.dirname, '..', '..')

const code: File[] = ['src', 'workers'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(ROOT.length + 1), source: readFileSync(path, 'utf8') })),
)

const filesOf = (sources: Record<string, string>): File[] =>
  Object.entries(sources).map(([path, source]) => ({ path, source }))

const planted = RULES.flatMap((rule) => PLANTED[rule].map((row) => ({ rule, ...row })))
const [faultsOfCode = [], ...faultsOfPlanted] = checkAll([code, ...planted.map(({ files }) => filesOf(files))])
const tell = ({ path, what }: Fault) => `${path}: ${what}`

describe('the code obeys', () => {
  for (const rule of RULES) {
    test(rule, () => {
      assert.deepEqual(faultsOfCode.filter((fault) => fault.rule === rule).map(tell), [])
    })
  }
})

describe('a planted violation is found, and what resembles it is let pass', () => {
  for (const [index, { rule, name, faults }] of planted.entries()) {
    test(`${rule}: ${name}`, () => {
      const found = faultsOfPlanted[index]?.filter((fault) => fault.rule === rule)
      assert.deepEqual(found?.map(tell), faults)
    })
  }

  for (const rule of RULES) {
    test(`${rule} has rows of both kinds`, () => {
      assert.ok(PLANTED[rule].some(({ faults }) => faults.length > 0))
      assert.ok(PLANTED[rule].some(({ faults }) => faults.length === 0))
    })
  }
})

test('each layer has a violation planted in it', () => {
  const violated = PLANTED.layers.flatMap(({ files, faults }) => (faults.length > 0 ? Object.keys(files) : []))
  assert.deepEqual(new Set(violated.map((path) => layerOf(path)?.layer)), new Set(Object.keys(LAYERS)))
})

test('all code is read', () => {
  const paths = code.map(({ path }) => path)
  for (const path of ['src/main.ts', 'src/projections/user/apply-n.lua', 'workers/all-thread.ts']) {
    assert.ok(paths.includes(path), path)
  }
})

test('the tables name what exists', () => {
  const installed = Object.keys(packageJson.dependencies)
  for (const name of PACKAGES.flatMap(([, ...packages]) => packages.map((entry) => entry.replace(/^type /, '')))) {
    assert.ok(installed.includes(name) || (name.startsWith('node:') && isBuiltin(name)), name)
  }
  for (const name of Object.values(LAYERS).flatMap(({ mayImport }) => mayImport)) {
    const layer = name.replace(/^type /, '').split('/', 1)[0] ?? ''
    assert.ok(Object.hasOwn(LAYERS, layer), name)
  }
})
