import { now, one, type Row, rate } from './queries.ts'

export const writes: Row = {
  title: 'Writes',
  panels: [
    {
      title: 'Commands',
      description: 'Commands by how they ended.',
      unit: 'ops',
      targets: one('{{outcome}}', `sum by (outcome) (${rate('users_commands_total')}) > 0`),
    },
    {
      title: 'Shown at once',
      description:
        'Commands that went through, by whether the read models could be told of them before the answer; and repeats.',
      unit: 'ops',
      targets: [
        { legend: 'visible: {{visible}}', expression: `sum by (visible) (${rate('users_command_writes_total')})` },
        { legend: 'repeats', expression: `sum(${rate('users_idempotency_replays_total')})` },
      ],
    },
    {
      title: 'Writes to the read models',
      description: 'By kind and what became of them: docs/consistency.md.',
      unit: 'ops',
      targets: one('{{write}} {{outcome}}', `sum by (write, outcome) (${rate('users_read_model_writes_total')}) > 0`),
    },
    {
      title: 'Relay',
      description: 'Messages that were published, and who leads.',
      unit: 'ops',
      targets: [
        { legend: '{{duty}}', expression: `sum by (duty) (${rate('users_relay_published_total')})` },
        { legend: '{{duty}}: leaders', expression: `sum by (duty) (${now('users_relay_leading')})` },
        { legend: '{{duty}}: lease', expression: `max by (duty) (${now('users_relay_lease_held')})` },
      ],
    },
    {
      title: 'Jobs',
      description: 'Jobs by queue and state.',
      unit: 'short',
      targets: one('{{queue}} {{state}}', `max by (queue, state) (${now('users_jobs')}) > 0`),
    },
  ],
}
