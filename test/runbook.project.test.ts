import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const DOCS = join(ROOT, 'docs')
const read = (...path: string[]) => readFile(join(ROOT, ...path), 'utf8')
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, one]) => one ?? '')

const runbook = await read('docs', 'runbook.md')
const alerts = await read('charts', 'users-service', 'files', 'alerts.yaml')

/** As GitHub makes anchors of headings (https://docs.github.com/en/get-started/writing-on-github). */
const anchors = (markdown: string) =>
  all(markdown, /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every alert has its section, and every section its alert', () => {
  const named = all(alerts, /^ *- alert: (\w+)$/gm)
  assert.ok(named.length > 20)
  const [, sections = ''] = /^# Alerts$([\s\S]*?)^# Drills$/m.exec(runbook) ?? []
  assert.deepEqual(all(sections, /^## (\w+)$/gm), named)
  assert.deepEqual(
    all(alerts, /^ *runbook_url: runbook\.md#(\S+)$/gm),
    named.map((name) => name.toLowerCase()),
  )
  for (const section of sections.split(/^## /m).slice(1))
    for (const part of [/\*\*At the tills\*\*/, /\*\*(Do|Look, do)/]) assert.match(section, part)
})

test('every metric that it names is there', async () => {
  const metrics = await read('docs', 'metrics.md')
  const named = new Set(all(runbook, /`((?:users|nodejs|process)_[a-z0-9_]+)/g))
  assert.ok(named.size >= 8)
  for (const name of named) assert.ok(metrics.includes(`| \`${name}\` |`), name)
})

test('every command that it names is there', async () => {
  const commands = await read('src', 'command-line.ts')
  const verbs = new Set(all(runbook, /users-service ([a-z]+)/g))
  assert.ok(verbs.size > 5)
  for (const verb of verbs) assert.match(commands, new RegExp(`\\b${verb}(Command)?\\b`, 'i'), verb)
})

test('whatever it points to is there, to the heading', async () => {
  for (const [, file = '', anchor] of runbook.matchAll(/\]\(([^)#]+)(?:#([^)]+))?\)/g)) {
    assert.ok(existsSync(join(DOCS, file)), file)
    if (anchor !== undefined) assert.ok(anchors(await read('docs', file)).includes(anchor), `${file}#${anchor}`)
  }
})
