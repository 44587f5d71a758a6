import { RELAY_DUTIES, type RelayDuty } from '../../ports/metrics.ts'
import { type MetricRegistry, measuredGauges } from './families.ts'

const MS_A_SECOND = 1_000
const JOB_STATES = ['waiting', 'active', 'delayed', 'failed'] as const

/** Asked for at a scrape; null: could not be had in time. */
type Ask<Figures> = () => Promise<Figures | null>

export type Consistency = {
  nines: number
  atLeast: number
  checked: number
  differing: number
  /** Partitions in which Redis is ahead of the database. */
  ahead: number
  sinceSampleMs: number | null
  sinceWalkMs: number | null
  found: Record<string, number>
  mended: Record<string, number>
}
export type Outbox = { changes: number; oldestMs: number; parked: number; events: number }
export type JobCounts = Record<string, Record<(typeof JOB_STATES)[number], number>>
export type Memory = { usedBytes: number; maxBytes: number }
/** `chains`: that the last whole pass has verified; null: there was none. `broken`: places, by fault. */
export type Chains = { chains: number | null; broken: Record<string, number>; sincePassMs: number | null }
export type SharedFigures = {
  consistency: Ask<Consistency>
  outbox: Ask<Outbox>
  leases: Ask<Partial<Record<RelayDuty, boolean>>>
  chains: Ask<Chains>
  jobs: Ask<JobCounts>
  /** Of the master that is fullest. */
  memory: Ask<Memory>
}
/** `causes`: of a difference between a copy and the truth. `chainFaults`: of the audit of commands. `queues`: all. */
export type Names = { causes: readonly string[]; chainFaults: readonly string[]; queues: readonly string[] }

/**
 * What is the same for all processes: told by those that work at jobs, each of which would say the same. Asked for at the
 * scrape. What cannot be had is NaN.
 */
export function sharedMetrics(registry: MetricRegistry, names: Names, figures: SharedFigures): void {
  consistencyMetrics(registry, names, figures)
  outboxMetrics(registry, figures)
  chainMetrics(registry, names, figures)
  measuredGauges(
    registry,
    {
      name: 'users_jobs',
      help: 'Jobs by queue and state; those that are over are kept for an hour, and at most a hundred.',
      labels: { queue: names.queues, state: JOB_STATES },
      together: 'max',
    },
    async (set) => {
      for (const [queue, counts] of Object.entries((await figures.jobs()) ?? {})) {
        for (const state of JOB_STATES) set({ queue, state }, counts[state])
      }
    },
  )
  const memory = (name: string, help: string, value: (of: Memory) => number) =>
    asked(registry, { name, help }, figures.memory, value)
  memory('users_redis_memory_used_bytes', 'Memory that the fullest Redis takes.', ({ usedBytes }) => usedBytes)
  memory(
    'users_redis_memory_max_bytes',
    'Memory that the same Redis may take; 0: there is no limit.',
    ({ maxBytes }) => maxBytes,
  )
}

/** One series whose value is asked for. */
function asked<Figures>(
  registry: MetricRegistry,
  family: { name: string; help: string },
  ask: Ask<Figures>,
  value: (of: Figures) => number | null,
): void {
  measuredGauges(registry, { ...family, labels: {}, together: 'max' }, async (set) => {
    const all = await ask()
    if (all !== null) set({}, value(all) ?? Number.NaN)
  })
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / MS_A_SECOND)

function consistencyMetrics(registry: MetricRegistry, { causes }: Names, { consistency }: SharedFigures): void {
  const one = (name: string, help: string, value: (of: Consistency) => number | null) =>
    asked(registry, { name, help }, consistency, value)
  one(
    'users_consistency_nines',
    'Nines of users in order that the last 24 hours’ sample supports at 95 % confidence; NaN: nobody was drawn.',
    ({ nines, checked }) => (checked === 0 ? null : nines),
  )
  one(
    'users_consistency_at_least_ratio',
    'Share of users in order that the sample supports at 95 % confidence; NaN: nobody was drawn.',
    ({ atLeast, checked }) => (checked === 0 ? null : atLeast),
  )
  one('users_consistency_sample_checked', 'Users drawn by chance in the last 24 hours.', ({ checked }) => checked)
  one('users_consistency_sample_differing', 'Of these, users whose copy was wrong.', ({ differing }) => differing)
  one(
    'users_consistency_ahead_partitions',
    'Partitions in which Redis is ahead of the database, as after a restored backup.',
    ({ ahead }) => ahead,
  )
  one('users_consistency_sample_age_seconds', 'How long ago users were last drawn; NaN: never.', (all) =>
    seconds(all.sinceSampleMs),
  )
  one('users_consistency_walk_age_seconds', 'How long ago everybody was last compared; NaN: never.', (all) =>
    seconds(all.sinceWalkMs),
  )
  const byCause = (name: string, help: string, counts: (of: Consistency) => Record<string, number>) =>
    measuredGauges(registry, { name, help, labels: { cause: causes }, together: 'max' }, async (set) => {
      const all = await consistency()
      for (const cause of all === null ? [] : causes) set({ cause }, counts(all as Consistency)[cause] ?? 0)
    })
  byCause('users_consistency_differences', 'Differences found since this Redis was begun.', ({ found }) => found)
  byCause('users_consistency_repairs', 'Of these, those that have been mended.', ({ mended }) => mended)
}

function outboxMetrics(registry: MetricRegistry, { outbox, leases }: SharedFigures): void {
  const one = (name: string, help: string, value: (of: Outbox) => number | null) =>
    asked(registry, { name, help }, outbox, value)
  one('users_outbox_changes', 'Changes in the outbox.', ({ changes }) => changes)
  one('users_outbox_oldest_age_seconds', 'How old the oldest change in the outbox is; 0: there is none.', (all) =>
    seconds(all.oldestMs),
  )
  one('users_outbox_events', 'Events that are not published yet.', ({ events }) => events)
  one('users_parked_changes', 'Changes that could not be handled, and wait for a decision.', ({ parked }) => parked)
  measuredGauges(
    registry,
    {
      name: 'users_relay_lease_held',
      help: 'Whether a relay publishes this: 1, else 0; NaN: it is not to be published, or nobody knows.',
      labels: { duty: RELAY_DUTIES },
      together: 'max',
    },
    async (set) => {
      const held = await leases()
      for (const duty of RELAY_DUTIES) if (held?.[duty] !== undefined) set({ duty }, held[duty] ? 1 : 0)
    },
  )
}

function chainMetrics(registry: MetricRegistry, { chainFaults }: Names, { chains }: SharedFigures): void {
  asked(
    registry,
    {
      name: 'users_audit_chain_verified',
      help: 'Chains of the audit of commands that the last whole pass has looked at; NaN: there was none.',
    },
    chains,
    (of) => of.chains,
  )
  asked(
    registry,
    {
      name: 'users_audit_chain_pass_age_seconds',
      help: 'Since the whole audit of commands was last verified, or since it was first to be; NaN: not known yet.',
    },
    chains,
    ({ sincePassMs }) => seconds(sincePassMs),
  )
  measuredGauges(
    registry,
    {
      name: 'users_audit_chain_broken_places',
      help: 'Places at which the audit of commands is not what was written, as the last whole pass or the one under way found them.',
      labels: { fault: chainFaults },
      together: 'max',
    },
    async (set) => {
      const all = await chains()
      for (const fault of all === null ? [] : chainFaults) set({ fault }, (all as Chains).broken[fault] ?? 0)
    },
  )
}

/** One question for all who ask at the same time, and not for longer than `limitMs`. */
export function asksOnce<Figures>(read: () => Promise<Figures>, limitMs: number): Ask<Figures> {
  let asking: Promise<Figures | null> | null = null
  return () => {
    asking ??= within(read, limitMs).finally(() => {
      asking = null
    })
    return asking
  }
}

async function within<Figures>(read: () => Promise<Figures>, limitMs: number): Promise<Figures | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limitMs).unref()
  })
  return Promise.race([read().catch(() => null), late]).finally(() => clearTimeout(timer))
}
