import { PROCESSES, type ProcessName, type Registered, registeredMetrics } from './registered.ts'

const SHORT: Record<ProcessName, string> = { serve: 'S', 'work project': 'P', 'work jobs': 'J', 'work relay': 'R' }
/** More are not listed: they are many, or a site's own. */
const MAX_VALUES = 12
/** Whose values are those of a site, or of a release. */
const OPEN: Record<string, string> = {
  ...{ method: 'of the routes', route: 'the routes’ patterns', version: 'the release', schema: 'of the read models' },
  ...{ epoch: 'of the database', node: 'Node’s version' },
}

/** docs/metrics.md, as it ought to be. */
export async function metricsPage(): Promise<string> {
  const all = (await registeredMetrics()).sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  const rows = all.map(
    ({ name, type, help, labels, by }) =>
      `| \`${name}\` | ${type} | ${by.map((one) => SHORT[one]).join(' ')} | ${[...labels].map(labelText).join('; ')} | ${help} |`,
  )
  return `# Metrics

With \`METRICS_PORT\` set each process answers \`GET /metrics\` on it, in Prometheus' text format, and \`GET /health/live\`, for the probe
of a worker. This page is made from what is registered by \`make docs\`; why it is so stands in
[0044](decisions/0044-metrics.md). Alerts and the dashboard are in
[charts/users-service/files](../charts/users-service/files).

- Who tells: ${PROCESSES.map((one) => `${SHORT[one]} \`${one}\``).join(', ')}. \`all\` tells of everything, its threads added up.
- Seconds and bytes. All series are there from the start, at 0; there are no others. \`NaN\`: not known now, as while Redis or the
  database is gone.
- What only \`work jobs\` tells (J alone) is everybody's, and the same from each: take \`max\`, and not \`sum\`.
- A route is its pattern, and HEAD counts as GET. Documentation pages, the legacy application's paths and what is nowhere are \`other\`;
  endpoints that are taken over have metrics of their own.
- Reads that are answered before the router are in \`users_http_requests_total\` and \`users_reads_total\`, and not in
  \`users_http_request_duration_seconds\`: \`users_hot_read_duration_seconds\` has one in 64 of them.

| metric | type | by | labels | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`
}

/** Ours first. */
const rank = ({ name }: Registered): number => (name.startsWith('users_') ? 0 : 1)

function labelText([label, values]: [string, Set<string>]): string {
  const open = label === 'route' && values.has('a-route') ? 'the ids of routes that are taken over' : OPEN[label]
  if (open !== undefined) return `\`${label}\`: ${open}`
  const some = [...values].slice(0, MAX_VALUES).join(', ')
  return `\`${label}\`: ${some}${values.size > MAX_VALUES ? ' …' : ''}`
}
