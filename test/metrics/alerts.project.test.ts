import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { registeredMetrics } from '../../scripts/metrics/registered.ts'
import { promqlFaults } from './promql.ts'
import { promtool, withoutPromtool } from './promtool.ts'

const FILES = join(import.meta.dirname, '..', '..', 'charts', 'users-service', 'files')
const RULES = join(FILES, 'alerts.yaml')
const TESTS = join(FILES, 'alerts.test.yaml')
const rules = readFileSync(RULES, 'utf8')
const tests = readFileSync(TESTS, 'utf8')

type Alert = { name: string; expression: string; text: string }
/** By the form in which they are written; that it is YAML, and rules, promtool says. */
const alerts: Alert[] = rules
  .split(/^ {6}- alert: /m)
  .slice(1)
  .map((text) => ({ name: /^\w+/.exec(text)?.[0] ?? '', text, expression: expressionIn(text) }))

function expressionIn(text: string): string {
  const block = /^ {8}expr: \|\n((?: {10}.*\n)+)/m.exec(text)?.[1]
  return block ?? (/^ {8}expr: '(.*)'$/m.exec(text)?.[1] ?? '').replaceAll("''", "'")
}
const valueIn = (text: string, field: string) => new RegExp(`^ +${field}: '?(.*?)'?$`, 'm').exec(text)?.[1] ?? ''

test('every expression names metrics, labels and values that there are', async () => {
  const registered = await registeredMetrics()
  assert.ok(alerts.length > 25, `${alerts.length}`)
  for (const { name, expression } of alerts) assert.deepEqual(promqlFaults(expression, registered), [], name)
})

test('every alert says how bad it is, what it is, what it means at the tills, and where to look', () => {
  const names = alerts.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, text } of alerts) {
    assert.match(name, /^Users[A-Z]\w+$/)
    assert.match(valueIn(text, 'severity'), /^(?:critical|warning)$/, name)
    assert.match(valueIn(text, 'for'), /^\d+m$/, name)
    assert.match(valueIn(text, 'summary'), /^.{10,120}\.$/, name)
    assert.match(valueIn(text, 'description'), /^[A-Z].{30,}\.$/, name)
    assert.equal(valueIn(text, 'runbook_url'), `runbook.md#${name.toLowerCase()}`)
  }
})

test('every alert is shown to fire, and to be quiet', () => {
  for (const { name } of alerts) {
    assert.ok(tests.includes(`- name: ${name} fires\n`), name)
    assert.ok(tests.includes(`- name: ${name} is quiet\n`), name)
  }
  const tested = [...tests.matchAll(/^ +alertname: (\w+)$/gm)].map(([, name]) => name)
  assert.deepEqual([...new Set(tested)].sort(), alerts.map(({ name }) => name).sort())
  for (const part of tests.split(/^ {2}- name: /m).slice(1)) {
    const named = part.split(' ', 1)[0] ?? ''
    assert.equal(/alertname: (\w+)/.exec(part)?.[1], named)
    assert.equal(part.includes('exp_alerts: []'), part.startsWith(`${named} is quiet`), named)
  }
})

test('promtool takes the rules, and they do what their tests say', { skip: withoutPromtool }, () => {
  const checked = promtool(['check', 'rules', '--lint=all', '--lint-fatal', RULES])
  assert.equal(checked.status, 0, checked.said)
  const tried = promtool(['test', 'rules', TESTS])
  assert.equal(tried.status, 0, tried.said)
})
