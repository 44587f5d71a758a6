import { metricRegistry, metricsServer, wireApiMetrics, wireWorkerMetrics } from '../../src/wiring-metrics.ts'
import { type MetricFamily, readExposition } from '../../test/support/exposition.ts'

/** Which processes tell of it. `all` tells of everything. */
export const PROCESSES = ['serve', 'work project', 'work jobs', 'work relay'] as const
export type ProcessName = (typeof PROCESSES)[number]
/** `labels`: with the values that they can have; `le` of a histogram is not among them. */
export type Registered = {
  name: string
  type: string
  help: string
  labels: Map<string, Set<string>>
  by: ProcessName[]
}

/** Some routes, as examples of all. */
const ROUTES = [
  { method: 'GET', route: '/v1/users/:userId' },
  { method: 'PATCH', route: '/v1/users/:userId' },
]
const never = () => Promise.reject(new Error('nobody is asked'))
const pool = { open: 0, idle: 0, waiting: 0, size: 0 }
/** As much of a service as it takes to say what would be measured. */
const PARTS = {
  keys: { epoch: 'epoch' },
  freshness: { ageMs: () => 0 },
  pools: () => ({ read: pool, write: pool, scan: pool }),
  database: { dialect: { limit: () => '', utcNow: '' }, query: never },
  redis: { memory: never, incarnation: () => null },
  tally: { read: never },
} as never

const nearFigures = { entries: 0, bytes: 0, placeholders: 0, hits: 0, misses: 0, kept: 0, invalidated: 0, resets: 0 }
const issuer = () => ({ ready: true, keysAgeMs: 0, failing: false })
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Every metric, in the order in which a process tells of it. */
export async function registeredMetrics(): Promise<Registered[]> {
  const all = new Map<string, Registered>()
  for (const by of PROCESSES) {
    for (const family of await familiesOf(by)) {
      const known = all.get(family.name)
      if (known) known.by.push(by)
      else all.set(family.name, { ...family, labels: labelsOf(family), by: [by] })
    }
  }
  return [...all.values()]
}

async function familiesOf(by: ProcessName): Promise<MetricFamily[]> {
  const registry = by === 'serve' ? api() : worker(by)
  const server = metricsServer(registry, log)
  await server.listen({ host: '127.0.0.1', port: 0 })
  try {
    return readExposition(await registry.metrics())
  } finally {
    await server.close()
  }
}

function api() {
  const { registry, requests, strangler, serving } = wireApiMetrics()
  requests.serving(ROUTES)
  strangler(['a-route'])
  serving({ ...Object(PARTS), near: () => nearFigures, issuer, checks: async () => ({}) })
  return registry
}

function worker(by: ProcessName) {
  const registry = metricRegistry()
  const metrics = wireWorkerMetrics(registry)
  if (by === 'work relay') metrics.relaying().build('epoch')
  else {
    metrics.core()
    metrics.reading(PARTS)
    if (by === 'work project') metrics.projecting()
    else metrics.working({ config: Object({ feed: {}, events: null }), parts: PARTS, jobs: { counts: never } })
  }
  return registry
}

function labelsOf({ samples }: MetricFamily): Registered['labels'] {
  const labels: Registered['labels'] = new Map()
  for (const [name, value] of samples.flatMap((sample) => Object.entries(sample.labels))) {
    if (name !== 'le') labels.set(name, (labels.get(name) ?? new Set()).add(value))
  }
  return labels
}

function ignore(): void {}
