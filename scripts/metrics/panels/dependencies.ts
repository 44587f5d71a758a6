import { now, one, quantiles, type Row, rate } from './queries.ts'

export const dependencies: Row = {
  title: 'Dependencies',
  panels: [
    {
      title: 'Readiness, in part',
      description: 'Replicas that are degraded or failing, by what they lack.',
      unit: 'none',
      targets: one(
        '{{check}} {{state}}',
        `sum by (check, state) (${now('users_health_check_state', 'state=~"degraded|failing"')}) > 0`,
      ),
    },
    {
      title: 'Database, calls',
      description: 'How long statements outside transactions, and whole transactions, take.',
      unit: 's',
      targets: quantiles('users_database_call_duration_seconds', ['call']),
    },
    {
      title: 'Database, failures',
      description: 'Calls that failed; refusals of a command are not among them.',
      unit: 'ops',
      targets: one('{{call}}', `sum by (call) (${rate('users_database_failures_total')})`),
    },
    {
      title: 'Database, connections',
      description: 'Connections in use, those that there may be, and calls that wait for one.',
      unit: 'short',
      targets: [
        { legend: '{{pool}} used', expression: `sum by (pool) (${now('users_database_connections', 'state="used"')})` },
        { legend: '{{pool}} at most', expression: `sum by (pool) (${now('users_database_connections_max')})` },
        { legend: '{{pool}} waiting', expression: `sum by (pool) (${now('users_database_waiting')})` },
      ],
    },
    {
      title: 'Database, waiting',
      description: 'How long calls wait for a connection.',
      unit: 's',
      targets: quantiles('users_database_connection_wait_duration_seconds', ['pool']),
    },
    {
      title: 'Database, driver',
      description:
        'Processes of the driver that were started; beside a start of ours, in place of one that was given up.',
      unit: 'ops',
      targets: one('{{pool}}', `sum by (pool) (${rate('users_database_driver_processes_started_total')})`),
    },
    {
      title: 'Redis, calls',
      description: 'How long reads and scripts take; one in 16 is timed.',
      unit: 's',
      targets: quantiles('users_redis_call_duration_seconds', ['call']),
    },
    {
      title: 'Redis, failures',
      description: 'Calls that failed, came too late or were refused, and connections that were made.',
      unit: 'ops',
      targets: [
        { legend: '{{call}}', expression: `sum by (call) (${rate('users_redis_failures_total')})` },
        { legend: 'connections', expression: `sum(${rate('users_redis_connections_total')})` },
      ],
    },
    {
      title: 'Redis, memory',
      description: 'Of the fullest server, and what it may take.',
      unit: 'bytes',
      targets: [
        { legend: 'used', expression: `max(${now('users_redis_memory_used_bytes')})` },
        { legend: 'at most', expression: `max(${now('users_redis_memory_max_bytes')}) > 0` },
      ],
    },
    {
      title: 'Other services, calls',
      description: 'Calls by how they ended.',
      unit: 'ops',
      targets: one(
        '{{neighbour}} {{outcome}}',
        `sum by (neighbour, outcome) (${rate('users_neighbour_call_duration_seconds_count')}) > 0`,
      ),
    },
    {
      title: 'Other services, time',
      description: 'How long answered calls took, and requests for each of them.',
      unit: 's',
      targets: quantiles('users_neighbour_call_duration_seconds', ['neighbour'], 'outcome="answered"'),
    },
    {
      title: 'Open breakers',
      description: 'Replicas that do not ask another service.',
      unit: 'none',
      targets: one('{{neighbour}}', `sum by (neighbour) (${now('users_neighbour_breaker_state', 'state="open"')})`),
    },
    {
      title: 'Issuer’s keys',
      description: 'How long ago they were last fetched.',
      unit: 's',
      targets: [
        { legend: 'oldest', expression: `max(${now('users_issuer_keys_age_seconds')})` },
        { legend: 'replicas without', expression: `count(${now('users_issuer_keys_ready')} == 0)` },
      ],
    },
  ],
}
