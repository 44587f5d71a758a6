import { now, one, quantile, quantiles, type Row, rate } from './queries.ts'

export const tills: Row = {
  title: 'Tills',
  panels: [
    {
      title: 'Requests',
      description:
        'Requests that were answered, by class of status. Those that are answered before the router are among them.',
      unit: 'reqps',
      targets: one('{{status}}', `sum by (status) (${rate('users_http_requests_total')})`),
    },
    {
      title: 'Share of errors',
      description: 'Answers of 5xx among all. The budget of errors is 0.1 %.',
      unit: 'percentunit',
      targets: one(
        '5xx',
        `sum(${rate('users_http_requests_total', 'status="5xx"')}) / sum(${rate('users_http_requests_total')})`,
      ),
    },
    {
      title: 'Reads of a user',
      description:
        'How long reads take that are answered before the router, by where they were read; one in 64 is timed.',
      unit: 's',
      targets: quantiles('users_hot_read_duration_seconds', ['source']),
    },
    {
      title: 'Everything else',
      description: 'How long requests take that pass the router, by method.',
      unit: 's',
      targets: quantiles('users_http_request_duration_seconds', ['method']),
    },
    {
      title: 'Slowest routes',
      description: 'The five routes whose 99th percentile is highest.',
      unit: 's',
      targets: one(
        '{{method}} {{route}}',
        `topk(5, ${quantile(0.99, 'users_http_request_duration_seconds', ['method', 'route'])})`,
      ),
    },
    {
      title: 'Ready replicas',
      description: 'Replicas of the API that say that traffic should come to them.',
      unit: 'none',
      kind: 'stat',
      targets: one('ready', `sum(${now('users_ready')})`),
    },
    {
      title: 'In flight',
      description: 'Requests that have passed the router and are not answered yet.',
      unit: 'short',
      targets: one('{{instance}}', `sum by (instance) (${now('users_http_requests_in_flight')})`),
    },
    {
      title: 'Refused and shed',
      description: 'Requests that were refused because there were too many, or there was too much in them.',
      unit: 'reqps',
      targets: one('{{reason}}', `sum by (reason) (${rate('users_requests_refused_total')})`),
    },
    {
      title: 'Tokens',
      description: 'Tokens whose signature was looked at. Those that were seen before cost nothing, and are not here.',
      unit: 'ops',
      targets: one('{{outcome}}', `sum by (outcome) (${rate('users_tokens_total')})`),
    },
  ],
}
