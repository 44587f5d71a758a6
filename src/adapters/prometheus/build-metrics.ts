import { gauge, type MetricRegistry } from './families.ts'

type Build = { version: string; schema: string; epoch: string; node: string }

/** What runs, as labels: to be joined with whatever else a process tells. */
export function buildMetrics(registry: MetricRegistry, { version, schema, epoch, node }: Build): void {
  const info = gauge(registry, {
    name: 'users_build_info',
    help: 'What runs: the release, the schema of the read models, the epoch of the database, and Node. Always 1.',
    labels: { version: [version], schema: [schema], epoch: [epoch], node: [node] },
    together: 'max',
  })
  info({ version, schema, epoch, node }, 1)
}
