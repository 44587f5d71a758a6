import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { registeredMetrics } from '../../scripts/metrics/registered.ts'
import { promqlFaults, readPromql } from './promql.ts'
import { promtool, withoutPromtool } from './promtool.ts'

type Place = { x: number; y: number; w: number; h: number }
type Panel = {
  id: number
  type: string
  title: string
  description?: string
  gridPos: Place
  datasource?: { uid: string }
  fieldConfig?: { defaults: { unit?: string } }
  targets?: { refId: string; expr: string; legendFormat: string }[]
}
type Dashboard = {
  uid: string
  title: string
  schemaVersion: number
  templating: { list: { name: string; type: string; query: unknown }[] }
  panels: Panel[]
}

const FILE = join(import.meta.dirname, '..', '..', 'charts', 'users-service', 'files', 'dashboard.json')
/** Written by Grafana 9 and later. */
const LEAST_SCHEMA_VERSION = 36
const WIDTH = 24

const dashboard = JSON.parse(readFileSync(FILE, 'utf8')) as Dashboard
const graphs = dashboard.panels.filter(({ type }) => type !== 'row')
const expressions = graphs.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const registered = await registeredMetrics()
/** As Grafana fills it in. */
const filled = (expression: string) => expression.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', '.*')

test('it is a dashboard that Grafana takes, over any Prometheus', () => {
  assert.match(dashboard.uid, /^[\w-]{1,40}$/)
  assert.ok(dashboard.title !== '' && dashboard.schemaVersion >= LEAST_SCHEMA_VERSION)
  assert.deepEqual(
    dashboard.templating.list.map(({ name, type }) => `${name} ${type}`),
    ['datasource datasource', 'namespace query'],
  )
  for (const { datasource, title } of graphs) assert.equal(datasource?.uid, '$datasource', title)
  const ids = dashboard.panels.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
})

test('its rows are what people look for', () => {
  const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
  assert.deepEqual(rows, ['Tills', 'Freshness', 'Writes', 'Dependencies', 'Strangler', 'Process'])
})

test('every panel has a title of its own, a description, a unit and a legend', () => {
  const titles = graphs.map(({ title }) => title)
  assert.equal(new Set(titles).size, titles.length)
  for (const { title, description = '', fieldConfig, targets = [] } of graphs) {
    assert.match(description, /^[A-Z].{10,}\.$/s, title)
    assert.match(fieldConfig?.defaults.unit ?? '', /^\w+$/, title)
    assert.ok(targets.length > 0, title)
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
    for (const { legendFormat } of targets) assert.notEqual(legendFormat, '', title)
  }
})

test('no two panels overlap, and none stands out', () => {
  const overlap = (a: Place, b: Place) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
  assert.ok(overlap({ x: 0, y: 0, w: 2, h: 2 }, { x: 1, y: 1, w: 2, h: 2 }))
  dashboard.panels.forEach((panel, i) => {
    const { x, w } = panel.gridPos
    assert.ok(x >= 0 && x + w <= WIDTH, panel.title)
    for (const other of dashboard.panels.slice(i + 1))
      assert.ok(!overlap(panel.gridPos, other.gridPos), `${panel.title} and ${other.title}`)
  })
})

test('every query and legend names metrics, labels and values that there are', () => {
  for (const expression of expressions) assert.deepEqual(promqlFaults(expression, registered), [], expression)
  for (const { title, targets = [] } of graphs) {
    for (const { legendFormat, expr } of targets) {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      const { grouped, selectors } = readPromql(expr)
      const plain = selectors.some(() => !/\bby\b/.test(expr))
      for (const label of shown) assert.ok(plain || grouped.includes(label), `${title}: ${label}`)
    }
  }
})

test('every one of our metrics is in it', () => {
  const shown = new Set(expressions.flatMap((expression) => readPromql(expression).selectors.map(({ name }) => name)))
  /** Seen by what they are part of. */
  const elsewhere = [
    ...['users_near_cache_entries', 'users_neighbour_requests_total', 'users_consistency_at_least_ratio'],
    ...['users_consistency_sample_checked', 'users_consistency_ahead_partitions'],
  ]
  const missing = registered
    .map(({ name }) => name)
    .filter((name) => name.startsWith('users_') && !elsewhere.includes(name))
    .filter((name) => ![...shown].some((one) => one.replace(/_(?:bucket|sum|count)$/, '') === name || one === name))
  assert.deepEqual(missing, [])
})

test('promtool takes every query', { skip: withoutPromtool }, () => {
  const rules = expressions.map((expression, i) => ({ record: `query:${i}`, expr: filled(expression) }))
  const { status, said } = promtool(['check', 'rules'], JSON.stringify({ groups: [{ name: 'queries', rules }] }))
  assert.equal(status, 0, said)
})
