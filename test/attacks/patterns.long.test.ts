import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SyntaxKind } from 'typescript/unstable/ast'
import { everyNode, lineOf, parse } from '../architecture/syntax.ts'
import { startService } from '../support/service.ts'
import { type Slow, slowText } from './pumping.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const tell = ({ attack, ms, baselineMs }: Slow) =>
  `${attack}: ${ms.toFixed(1)} ms, where ${baselineMs.toFixed(2)} are due`

describe('a pattern that runs away is found', () => {
  const planted: [pattern: RegExp, isSlow: boolean][] = [
    [/^(a+)+$/, true],
    [/^(?:[a-z]+[0-9]*)+$/, true],
    [/^([A-Za-z0-9-]+\.?)+@/, true],
    [/\s+$/, true],
    [/^.*a.*a.*b$/s, true],
    [/^"(?:[^"]|\\.)*"$/, true],
    [/^"(?:[^"\\]|\\.)*"$/, false],
    [/^[a-z]{1,64}$/, false],
    [/^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,40}([.][A-Za-z0-9-]{1,40}){1,3}$/, false],
    [/a/g, false],
  ]
  for (const [pattern, isSlow] of planted) {
    test(`${pattern} ${isSlow ? 'is' : 'is none'}`, () => assert.equal(slowText(pattern) !== null, isSlow))
  }
})

/** What no client's text reaches, and why that is so. */
const NOT_REACHED: Record<string, string> = {
  '/ +$/': 'the blanks that the database fills its columns with: at most 255',
  '/\\/+$/': 'the end of LEGACY_URL',
}

describe('no pattern of the code runs away', () => {
  const paths = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map(({ parentPath, name }) => join(parentPath, name))
  const trees = parse(paths.map((path) => readFileSync(path, 'utf8')))
  const literals = trees.flatMap((tree, index) =>
    everyNode(tree)
      .filter(({ kind }) => kind === SyntaxKind.RegularExpressionLiteral)
      .map((node) => ({
        text: node.getText(tree),
        at: `${paths[index]?.slice(ROOT.length + 1)}:${lineOf(node, tree)}`,
      })),
  )
  const places = Map.groupBy(literals, ({ text }) => text)
  test('they are found', () => assert.ok(places.size > 80, `${places.size}`))
  for (const [text, where] of places) {
    if (text in NOT_REACHED) continue
    test(`${text} of ${where.map(({ at }) => at).join(', ')}`, () => {
      const end = text.lastIndexOf('/')
      const slow = slowText(new RegExp(text.slice(1, end), text.slice(end + 1)))
      assert.equal(slow && tell(slow), null)
    })
  }
})

/** Those that are put together at run time are here as well. */
test('no pattern that the document states runs away, here or at whoever checks by it', async (t) => {
  const service = await startService({ worker: false })
  t.after(service.close)
  const text = (await service.app.inject('/docs/json')).body
  const patterns = new Set<string>()
  JSON.parse(text, (name, value) => {
    if (name === 'pattern' && typeof value === 'string') patterns.add(value)
    return value
  })
  assert.ok(patterns.size > 15, `${patterns.size}`)
  for (const pattern of patterns) {
    // As JSON Schema has them: https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
    const slow = slowText(new RegExp(pattern, 'u'))
    assert.equal(slow && tell(slow), null, pattern)
  }
})
