import { now, one, quantiles, type Row, rate } from './queries.ts'

export const freshness: Row = {
  title: 'Freshness',
  panels: [
    {
      title: 'Where reads come from',
      description: 'Shares of answers by where the furthest part of them was read.',
      unit: 'percentunit',
      targets: one(
        '{{source}}',
        `sum by (source) (${rate('users_reads_total')}) / ignoring (source) group_left () sum(${rate('users_reads_total')})`,
      ),
    },
    {
      title: 'Lag of the read models',
      description: 'What was committed longer ago than this is shown. Above 30 s each read asks the database too.',
      unit: 's',
      targets: one('longest', `max(${now('users_projection_lag_seconds')})`),
    },
    {
      title: 'Staleness of changes',
      description: 'How long after it was committed each change had been handled.',
      unit: 's',
      targets: quantiles('users_change_staleness_seconds'),
    },
    {
      title: 'Changes',
      description: 'Changes that were handled, and those that did not simply go through.',
      unit: 'ops',
      targets: [
        { legend: 'handled', expression: `sum(${rate('users_changes_handled_total')})` },
        { legend: 'batches', expression: `sum(${rate('users_change_batches_total')})` },
        { legend: '{{event}}', expression: `sum by (event) (${rate('users_change_events_total')})` },
        { legend: 'outages', expression: `sum(${rate('users_change_outages_total')})` },
      ],
    },
    {
      title: 'Waiting',
      description:
        'Changes in the outbox, messages that are not consumed, events that are not published, and parked changes.',
      unit: 'short',
      targets: [
        { legend: 'outbox', expression: `max(${now('users_outbox_changes')})` },
        { legend: 'messages', expression: `max(${now('users_changes_waiting')})` },
        { legend: 'events', expression: `max(${now('users_outbox_events')})` },
        { legend: 'parked', expression: `max(${now('users_parked_changes')})` },
      ],
    },
    {
      title: 'Oldest change in the outbox',
      description: 'How old it is.',
      unit: 's',
      targets: one('oldest', `max(${now('users_outbox_oldest_age_seconds')})`),
    },
    {
      title: 'Nines',
      description: 'Nines of users in order that the last 24 hours’ sample supports at 95 % confidence.',
      unit: 'none',
      kind: 'stat',
      targets: one('nines', `max(${now('users_consistency_nines')})`),
    },
    {
      title: 'Differences',
      description: 'Differences between copies and the database that were found since this Redis was begun, by cause.',
      unit: 'short',
      targets: [
        { legend: '{{cause}}', expression: `max by (cause) (${now('users_consistency_differences')}) > 0` },
        {
          legend: 'not repaired',
          expression: `sum(max by (cause) (${now('users_consistency_differences')})) - sum(max by (cause) (${now('users_consistency_repairs')}))`,
        },
        { legend: 'sample', expression: `max(${now('users_consistency_sample_differing')})` },
      ],
    },
    {
      title: 'Audits',
      description: 'How long ago users were last drawn, and everybody was last compared.',
      unit: 's',
      targets: [
        { legend: 'sample', expression: `max(${now('users_consistency_sample_age_seconds')})` },
        { legend: 'walk', expression: `max(${now('users_consistency_walk_age_seconds')})` },
      ],
    },
    {
      title: 'Audit of commands, broken',
      description:
        'Places at which it is not what was written, by what is wrong with them. Anything but nothing is an alert.',
      unit: 'short',
      targets: one('{{fault}}', `max by (fault) (${now('users_audit_chain_broken_places')}) > 0`),
    },
    {
      title: 'Audit of commands, verified',
      description: 'How long ago all of it was last verified.',
      unit: 's',
      targets: one('whole pass', `max(${now('users_audit_chain_pass_age_seconds')})`),
    },
    {
      title: 'Chains of the audit',
      description: 'So many the last whole pass has looked at.',
      unit: 'short',
      targets: one('chains', `max(${now('users_audit_chain_verified')})`),
    },
    {
      title: 'Near cache',
      description: 'Hits among reads of the near cache, and the times that everything was dropped.',
      unit: 'percentunit',
      targets: one(
        'hits',
        `sum(${rate('users_near_cache_hits_total')}) / (sum(${rate('users_near_cache_hits_total')}) + sum(${rate('users_near_cache_misses_total')}))`,
      ),
    },
    {
      title: 'Near cache, events',
      description: 'Users that were kept, changes that were told of, and resets.',
      unit: 'ops',
      targets: [
        { legend: 'kept', expression: `sum(${rate('users_near_cache_kept_total')})` },
        { legend: 'told', expression: `sum(${rate('users_near_cache_invalidations_total')})` },
        { legend: 'resets', expression: `sum(${rate('users_near_cache_resets_total')})` },
      ],
    },
    {
      title: 'Near cache, size',
      description: 'Memory that the entries of each process take.',
      unit: 'bytes',
      targets: one('{{instance}}', `sum by (instance) (${now('users_near_cache_bytes')})`),
    },
  ],
}
