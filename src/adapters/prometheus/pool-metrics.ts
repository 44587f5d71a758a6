import { POOLS, type PoolCounts, type PoolName } from '../../ports/metrics.ts'
import { type MetricRegistry, measuredGauges } from './families.ts'

/** The connections to the database. Only where there are any: the embedded one has none. */
export function poolMetrics(registry: MetricRegistry, counts: () => Record<PoolName, PoolCounts>): void {
  measuredGauges(
    registry,
    {
      name: 'users_database_connections',
      help: 'Connections to the database, by pool and what they do.',
      labels: { pool: POOLS, state: ['used', 'idle'] },
    },
    (set) => {
      const all = counts()
      for (const pool of POOLS) {
        set({ pool, state: 'used' }, all[pool].open - all[pool].idle)
        set({ pool, state: 'idle' }, all[pool].idle)
      }
    },
  )
  const byPool = (name: string, help: string, value: (of: PoolCounts) => number) =>
    measuredGauges(registry, { name, help, labels: { pool: POOLS } }, (set) => {
      const all = counts()
      for (const pool of POOLS) set({ pool }, value(all[pool]))
    })
  byPool('users_database_connections_max', 'Connections that a pool may open.', ({ size }) => size)
  byPool('users_database_waiting', 'Calls that wait for a connection of this pool.', ({ waiting }) => waiting)
}
