import { now, one, quantiles, type Row, rate } from './queries.ts'

export const strangler: Row = {
  title: 'Strangler',
  panels: [
    {
      title: 'Modes',
      description: 'The mode that each route is in.',
      unit: 'none',
      targets: one('{{route}} {{mode}}', `max by (route, mode) (${now('users_strangler_mode')}) == 1`),
    },
    {
      title: 'Answered here',
      description: 'Which part of a route’s clients is answered here.',
      unit: 'percentunit',
      targets: one('{{route}}', `max by (route) (${now('users_strangler_native_ratio')})`),
    },
    {
      title: 'Answers',
      description: 'By route and who answered.',
      unit: 'reqps',
      targets: one(
        '{{route}} {{answered_by}}',
        `sum by (route, answered_by) (${rate('users_strangler_answer_duration_seconds_count')})`,
      ),
    },
    {
      title: 'Time until the head',
      description: 'By who answered.',
      unit: 's',
      targets: quantiles('users_strangler_answer_duration_seconds', ['answered_by']),
    },
    {
      title: 'Failures',
      description: 'Answers of 5xx, and requests without one, by who was to answer.',
      unit: 'ops',
      targets: one(
        '{{route}} {{answered_by}}',
        `sum by (route, answered_by) (${rate('users_strangler_failures_total')})`,
      ),
    },
    {
      title: 'Parachutes',
      description: 'Canaries that were set back by themselves, within an hour.',
      unit: 'short',
      targets: one('{{route}}', 'sum by (route) (increase(users_strangler_parachutes_total{job=~"$job"}[1h])) > 0'),
    },
    {
      title: 'Comparisons',
      description: 'By how they ended. Only a mismatch is one.',
      unit: 'ops',
      targets: one(
        '{{route}} {{outcome}}',
        `sum by (route, outcome) (${rate('users_strangler_comparisons_total')}) > 0`,
      ),
    },
  ],
}
