import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { contextFiles, ignoredBy } from '../../scripts/image/ignored.ts'
import { context, wantedFiles } from './rehearsal-rig.ts'

describe('.dockerignore', () => {
  for (const [rules, path, ignored] of [
    ['a', 'a', true],
    ['a', 'a/b/c', true],
    ['a', 'b/a', false],
    ['/a/', 'a/b', true],
    ['*', 'a/b', true],
    ['*\n!a', 'a/b', false],
    ['*\n!a\na/b', 'a/b/c', true],
    ['*.md', 'x.md', true],
    ['*.md', 'a/x.md', false],
    ['**/*.md', 'x.md', true],
    ['**/*.md', 'a/b/x.md', true],
    ['a/**', 'a/b', true],
    ['a/**/c', 'a/c', true],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a/c', false],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['a.b', 'axb', false],
    ['[ab]', 'b', true],
    ['# a\n\n', 'a', false],
    ['!a\n*', 'a', true],
  ] as const) {
    test(`${JSON.stringify(rules)} and ${path}`, () => assert.equal(ignoredBy(rules)(path), ignored))
  }

  test('files are listed by their paths, links not followed', () => {
    const root = mkdtempSync(join(tmpdir(), 'users-service-context-'))
    try {
      mkdirSync(join(root, 'src', 'deep'), { recursive: true })
      mkdirSync(join(root, 'node_modules'))
      for (const file of ['src/a.ts', 'src/a.test.ts', 'src/deep/b.ts', 'node_modules/c', 'secret'])
        writeFileSync(join(root, file), '')
      symlinkSync('/', join(root, 'src', 'link'))
      const ignored = ignoredBy('*\n!src\n**/*.test.ts')
      assert.deepEqual(contextFiles(root, ignored), ['src/a.ts', 'src/deep/b.ts', 'src/link'])
    } finally {
      rmSync(root, { recursive: true })
    }
  })

  test('ours lets through all that the service runs on, and of all else only what the build needs', () => {
    const { files } = context()
    const wanted = new Set(wantedFiles())
    assert.ok(wanted.size > 300, `${wanted.size} files`)
    assert.deepEqual(
      [...wanted].filter((file) => !files.includes(file)),
      [],
    )
    assert.deepEqual(
      files.filter((file) => !wanted.has(file)),
      [
        ...['package-lock.json', 'package.json', 'scripts/image/healthcheck.mjs'],
        ...['scripts/setup-drda.mjs', 'scripts/setup-tools.mjs'],
      ],
    )
  })
})
