import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { schemaFolder } from '../../scripts/setup-kubernetes-schemas.mjs'
import type { KubernetesObject } from './objects.ts'
import { CHART, objectsIn, type Ran, ROOT, runTool, valueSet } from './support.ts'

const SCHEMAS = `${schemaFolder(ROOT)}/{{.ResourceKind}}{{.KindSuffix}}.json`
const RULES = `groups:
  - name: users
    rules:
      - alert: Late
        expr: users_lag_seconds > 30
        annotations:
          summary: '{{ $labels.pod }} is {{ $value }} s late'
`
const DASHBOARD = '{"title": "Users", "panels": [{"legendFormat": "{{route}}"}]}'
const ON = ['--set', 'monitoring.rules.enabled=true', '--set', 'monitoring.dashboard.enabled=true']

const folder = mkdtempSync(join(tmpdir(), 'chart-monitoring-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function render(chart: string): Ran {
  return runTool('helm', ['template', 'shop', chart, '-f', valueSet('minimal').file, ...ON])
}

function chartWith(name: string, files: Record<string, string>): string {
  const chart = join(folder, name)
  cpSync(CHART, chart, { recursive: true })
  for (const file of ['alerts.yaml', 'dashboard.json']) rmSync(join(chart, 'files', file), { force: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(chart, 'files', file), text)
  return chart
}

function known({ status, stdout, stderr }: Ran): KubernetesObject[] {
  assert.equal(status, 0, stderr)
  const checked = runTool('kubeconform', ['-strict', '-schema-location', SCHEMAS], stdout)
  assert.equal(checked.status, 0, checked.stdout)
  return objectsIn(stdout)
}

test('alert rules and dashboard come out as they stand in their files', () => {
  const objects = known(render(chartWith('whole', { 'alerts.yaml': RULES, 'dashboard.json': DASHBOARD })))
  const rule = objects.find(({ kind }) => kind === 'PrometheusRule')
  assert.match(JSON.stringify(rule), /\{\{ \$labels\.pod \}\} is \{\{ \$value \}\} s late/)
  const dashboard = objects.find(({ metadata }) => metadata.labels?.grafana_dashboard === '1')
  assert.deepEqual(Object.values(dashboard?.data ?? {}), [DASHBOARD])
})

test('a rule with a field that nobody knows is refused by the schema', () => {
  const faulty = RULES.replace('expr:', 'expression:')
  const { stdout } = render(chartWith('faulty', { 'alerts.yaml': faulty, 'dashboard.json': DASHBOARD }))
  assert.notEqual(runTool('kubeconform', ['-strict', '-schema-location', SCHEMAS], stdout).status, 0)
})

test('without the files, whoever wants them is told', () => {
  const { status, stderr } = render(chartWith('empty', {}))
  assert.notEqual(status, 0)
  assert.match(stderr, /monitoring\.rules\.enabled: this chart holds no files\/alerts\.yaml/)
  assert.match(stderr, /monitoring\.dashboard\.enabled: this chart holds no files\/dashboard\.json/)
})

/** Series of ours whose namespace is not said. */
const OF_ALL_NAMESPACES = /\b(?:users|process)_[a-z0-9_]+\b(?!\{namespace="default"[,}])(?=[^a-z0-9_"]|$)/g
const expressionsIn = (objects: KubernetesObject[]): string[] =>
  objects
    .filter(({ kind }) => kind === 'PrometheusRule')
    .flatMap(({ spec }) => (spec as { groups: { rules: { expr: string }[] }[] }).groups)
    .flatMap(({ rules }) => rules.map(({ expr }) => expr))

test('each alert asks for the series of its own namespace, also where its file names labels', () => {
  const rules = RULES.replace(
    'users_lag_seconds > 30',
    'users_lag_seconds{pod="a"} > 30 and max(users_up) by (pod) == 0',
  )
  const own = expressionsIn(known(render(chartWith('own', { 'alerts.yaml': rules, 'dashboard.json': DASHBOARD }))))
  const namespace = 'namespace="default"'
  assert.deepEqual(own, [`users_lag_seconds{${namespace}, pod="a"} > 30 and max(users_up{${namespace}}) by (pod) == 0`])
  const ours = expressionsIn(known(render(CHART)))
  assert.ok(ours.length > 20)
  assert.deepEqual(
    ours.flatMap((expression) => expression.match(OF_ALL_NAMESPACES) ?? []),
    [],
  )
})

test('alerts lead to where the runbook is to be read', () => {
  const at = 'https://wiki.example/users/runbook'
  const { stdout } = runTool('helm', [
    'template',
    'shop',
    CHART,
    '-f',
    valueSet('minimal').file,
    ...ON,
    '--set',
    `monitoring.rules.runbookUrl=${at}`,
  ])
  assert.match(stdout, new RegExp(`"runbook_url":"${at}#users`))
  assert.doesNotMatch(stdout, /"runbook_url":"runbook\.md/)
})

const files = ['alerts.yaml', 'dashboard.json'].map((name) => join(CHART, 'files', name))
const absent = files.every((file) => existsSync(file)) ? false : 'the chart has none yet'
test('the chart’s own rules and dashboard are known to Kubernetes', { skip: absent }, () => {
  const objects = known(render(CHART))
  const dashboard = objects.find(({ metadata }) => metadata.labels?.grafana_dashboard === '1')
  assert.deepEqual(Object.values(dashboard?.data ?? {}), [readFileSync(files[1] ?? '', 'utf8')])
})
