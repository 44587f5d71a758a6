import { dependencies } from './panels/dependencies.ts'
import { freshness } from './panels/freshness.ts'
import { process } from './panels/process.ts'
import type { Panel, Row } from './panels/queries.ts'
import { strangler } from './panels/strangler.ts'
import { tills } from './panels/tills.ts'
import { writes } from './panels/writes.ts'

/** Grafana's model of a dashboard (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/). */
const SCHEMA_VERSION = 41
/** A dashboard is 24 columns wide. */
const PANELS_A_LINE = 3
const PANEL = { w: 8, h: 8 }
const ROW = { w: 24, h: 1 }
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

/** charts/users-service/files/dashboard.json, as it ought to be. */
export function dashboardPage(): string {
  const rows = [tills, freshness, writes, dependencies, strangler, process]
  return `${JSON.stringify(dashboard(rows), null, 2)}\n`
}

function dashboard(rows: readonly Row[]) {
  return {
    uid: 'users-service',
    title: 'Users service',
    description: 'What docs/metrics.md lists; made by make docs from scripts/metrics/panels.',
    tags: ['users-service'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: variables() },
    annotations: { list: [] },
    links: [],
    panels: laidOut(rows),
  }
}

function variables() {
  return [
    {
      name: 'datasource',
      label: 'Prometheus',
      type: 'datasource',
      query: 'prometheus',
      current: {},
      hide: 0,
      refresh: 1,
    },
    {
      ...{ name: 'namespace', label: 'Namespace', type: 'query', datasource: DATASOURCE, hide: 0, refresh: 2, sort: 1 },
      query: { query: 'label_values(users_build_info, namespace)', refId: 'namespace' },
      ...{ includeAll: true, allValue: '.*', multi: true, current: { text: ['All'], value: ['$__all'] } },
    },
  ]
}

/** Rows below one another, and the panels of a row in lines below its title. */
function laidOut(rows: readonly Row[]) {
  const all: object[] = []
  let y = 0
  for (const { title, panels } of rows) {
    all.push({ id: all.length + 1, type: 'row', title, collapsed: false, gridPos: { x: 0, y, ...ROW }, panels: [] })
    const top = y + ROW.h
    panels.forEach((panel, i) => {
      const at = { x: (i % PANELS_A_LINE) * PANEL.w, y: top + Math.floor(i / PANELS_A_LINE) * PANEL.h }
      all.push({ id: all.length + 1, ...shown(panel), gridPos: { ...at, ...PANEL } })
    })
    y = top + Math.ceil(panels.length / PANELS_A_LINE) * PANEL.h
  }
  return all
}

function shown({ title, description, unit, targets, kind = 'timeseries' }: Panel) {
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options:
      kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
        : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: targets.map(({ legend, expression }, i) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + i),
      datasource: DATASOURCE,
      expr: expression,
      legendFormat: legend,
      range: true,
    })),
  }
}
