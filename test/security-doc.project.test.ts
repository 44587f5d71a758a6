import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SCOPE_MEANINGS } from '../src/domain/principal.ts'

const ROOT = join(import.meta.dirname, '..')
const text = await readFile(join(ROOT, 'docs', 'security.md'), 'utf8')

/** Requirements of levels 1 and 2 of ASVS 5.0, by section: their numbers in it, at commit fe04986 of its repository. */
const ASVS: Record<string, string> = {
  ...{
    '1.1': '1-2',
    '1.2': '1-9',
    '1.3': '1-11',
    '1.4': '1-3',
    '1.5': '1-2',
    '2.1': '1-3',
    '2.2': '1-3',
    '2.3': '1-4',
  },
  ...{ '2.4': '1', '3.2': '1-2', '3.3': '1-4', '3.4': '1-6', '3.5': '1-5', '3.7': '1-2', '4.1': '1-3', '4.2': '1' },
  ...{ '4.3': '1-2', '4.4': '1-4', '5.1': '1', '5.2': '1-3', '5.3': '1-2', '5.4': '1-3', '6.1': '1-3', '6.2': '1-12' },
  ...{ '6.3': '1-4', '6.4': '1-4', '6.5': '1-5', '6.6': '1-3', '6.8': '1-4', '7.1': '1-3', '7.2': '1-4', '7.3': '1-2' },
  ...{ '7.4': '1-5', '7.5': '1-2', '7.6': '1-2', '8.1': '1-2', '8.2': '1-3', '8.3': '1', '8.4': '1', '9.1': '1-3' },
  ...{ '9.2': '1-4', '10.1': '1-2', '10.2': '1-2', '10.3': '1-4', '10.4': '1-11', '10.5': '1-5', '10.6': '1-2' },
  ...{ '10.7': '1-3', '11.1': '1-2', '11.2': '1-3', '11.3': '1-3', '11.4': '1-4', '11.5': '1', '11.6': '1' },
  ...{ '12.1': '1-3', '12.2': '1-2', '12.3': '1-4', '13.1': '1', '13.2': '1-5', '13.3': '1-2', '13.4': '1-5' },
  ...{ '14.1': '1-2', '14.2': '1-4', '14.3': '1-3', '15.1': '1-3', '15.2': '1-3', '15.3': '1-7', '16.1': '1' },
  ...{ '16.2': '1-5', '16.3': '1-4', '16.4': '1-3', '16.5': '1-3' },
}
const API_TOP_10 = Array.from({ length: 10 }, (_, i) => `API${i + 1}`)

/** Rows of the tables under a heading, without their heads. */
function rowsUnder(heading: string, level: string): string[][] {
  const begin = text.indexOf(`\n${level} ${heading}\n`)
  assert.ok(begin > 0, heading)
  const end = text.slice(begin + 1).search(new RegExp(`\\n#{2,${level.length}} `))
  const section = text.slice(begin, end < 0 ? undefined : begin + 1 + end)
  const rows = section.split('\n').filter((line) => line.startsWith('| ') && !/^\| (no\.|key) \|/.test(line))
  return rows.map((line) =>
    line
      .slice(2, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
}

/** `1.2.6–1.2.8, 1.3.1` are four. */
function* numbersIn(cell: string): Generator<string> {
  for (const part of cell.split(', ')) {
    const [first = '', last = first] = part.split('–')
    const [section, from] = [first.slice(0, first.lastIndexOf('.')), Number(first.split('.').at(-1))]
    for (let i = from; i <= Number(last.split('.').at(-1)); i += 1) yield `${section}.${i}`
  }
}

const asked = () => rowsUnder('ASVS 5.0', '##')
const risks = () => rowsUnder('OWASP API Security Top 10 (2023)', '##')
const tests = () => rowsUnder('Tests', '##')

test('every requirement of ASVS is gone through, once, and every risk of the API Top 10', () => {
  const wanted = Object.entries(ASVS).flatMap(([section, range]) => {
    const [first = '', last = first] = range.split('-')
    return [...numbersIn(`${section}.${first}–${section}.${last}`)]
  })
  assert.ok(wanted.length > 200)
  const found = asked().flatMap(([numbers = '']) => [...numbersIn(numbers)])
  assert.deepEqual(found.toSorted(), wanted.toSorted())
  assert.deepEqual(
    risks().map(([no]) => no),
    API_TOP_10,
  )
  for (const row of [...asked(), ...risks()]) {
    assert.equal(row.length, 4, row.join(' | '))
    assert.ok(row[1] && row[2], row.join(' | '))
  }
})

test('every test that is named is there, under its name', async () => {
  const keys = tests()
  assert.ok(keys.length > 70)
  assert.equal(new Set(keys.map(([key]) => key)).size, keys.length)
  for (const [key, file = '', name = ''] of keys) {
    const source = await readFile(join(ROOT, file), 'utf8').catch(() => '')
    const titles = [...source.matchAll(/\b(?:test|describe)\(\s*(['"`])(.*?)\1/gs)].map(([, , title = '']) => title)
    // Of a title that is put together, a part that stands in it as it is.
    assert.ok(name.length > 20 && titles.some((title) => title.includes(name)), `${key}: ${file}: ${name}`)
  }
})

test('every key stands for a test, and every test for something', () => {
  const known = tests().map(([key = '']) => key)
  const used = [...asked(), ...risks()].flatMap(([, , , keys = '']) => keys.split(', ').filter((key) => key !== ''))
  assert.deepEqual([...new Set(used)].toSorted(), known.toSorted())
})

test('every scope has its row', () => {
  const [, table = ''] = /^\| scope \| opens \|$(.*?)^$/ms.exec(text) ?? []
  const scopes = [...table.matchAll(/^\| `([a-z:]+)` \|/gm)].map(([, scope]) => scope)
  assert.deepEqual(scopes, Object.keys(SCOPE_MEANINGS))
})

test('every setting that it names is one', async () => {
  const settings = await readFile(join(ROOT, 'docs', 'configuration.md'), 'utf8')
  const named = new Set(
    [...text.matchAll(/`?\b((?:AUTH|LEGACY|RATE|TRUSTED|CORS|METRICS|KAFKA|DATABASE|EVENTS)_[A-Z_]+)\b/g)].map(
      ([, name = '']) => name,
    ),
  )
  assert.ok(named.size > 15)
  for (const name of named) assert.ok(settings.includes(`\`${name}\``), name)
})

test('what it links to in this repository is there', () => {
  const links = [...text.matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => link).filter((link) => !link.includes('://'))
  assert.ok(links.length > 8)
  for (const link of links) assert.ok(existsSync(join(ROOT, 'docs', link)), link)
})
