import { type MetricRegistry, measuredGauges } from './families.ts'

const STATES = ['ok', 'degraded', 'failing'] as const
type Checks = Record<string, { state: (typeof STATES)[number] }>

/** What `GET /health/ready` says, asked for at the scrape; null: it could not be had in time. `names`: all checks that there are. */
export function healthMetrics(
  registry: MetricRegistry,
  names: readonly string[],
  ask: () => Promise<Checks | null>,
): void {
  measuredGauges(
    registry,
    {
      name: 'users_ready',
      help: 'Whether this process would say that traffic should come here: 1, else 0.',
      labels: {},
    },
    async (set) => {
      const checks = await ask()
      set({}, checks !== null && Object.values(checks).every(({ state }) => state !== 'failing') ? 1 : 0)
    },
  )
  measuredGauges(
    registry,
    {
      name: 'users_health_check_state',
      help: 'What the process’s readiness says of each thing that it needs: 1 for its state; 0 for all of what is not set up.',
      labels: { check: names, state: STATES },
    },
    async (set) => {
      const checks = (await ask()) ?? {}
      for (const check of names)
        for (const state of STATES) set({ check, state }, checks[check]?.state === state ? 1 : 0)
    },
  )
}
