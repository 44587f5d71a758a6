import { now, one, type Row, rate } from './queries.ts'

/** Others have metrics of these names: only of those who say what they are of us. */
const ours = (expression: string) => `${expression} and on (job, instance) ${now('users_build_info')}`

export const process: Row = {
  title: 'Process',
  panels: [
    {
      title: 'What runs',
      description:
        'Processes by release and schema of the read models: more than one of each while a release is rolled out.',
      unit: 'none',
      targets: one('{{version}}, schema {{schema}}', `count by (version, schema) (${now('users_build_info')})`),
    },
    {
      title: 'CPU',
      description: 'Cores that each process takes.',
      unit: 'none',
      targets: one('{{job}} {{instance}}', ours(rate('process_cpu_seconds_total'))),
    },
    {
      title: 'Memory',
      description: 'Of each process, as the platform counts it.',
      unit: 'bytes',
      targets: one('{{job}} {{instance}}', ours(now('process_resident_memory_bytes'))),
    },
    {
      title: 'Heap',
      description: 'Memory of JavaScript’s objects.',
      unit: 'bytes',
      targets: one('{{job}} {{instance}}', ours(now('nodejs_heap_size_used_bytes'))),
    },
    {
      title: 'Event loop',
      description: 'Of 100 turns since the last scrape, 99 took no longer.',
      unit: 's',
      targets: one('{{job}} {{instance}}', ours(now('nodejs_eventloop_delay_p99_seconds'))),
    },
    {
      title: 'Shedding',
      description: 'Replicas that refuse searches, or all but users who are in memory.',
      unit: 'none',
      targets: one('{{what}}', `sum by (what) (${now('users_shedding', 'what=~"searches|all"')})`),
    },
    {
      title: 'Started',
      description: 'How long each process has been running.',
      unit: 's',
      targets: one('{{job}} {{instance}}', `time() - (${ours(now('process_start_time_seconds'))})`),
    },
  ],
}
