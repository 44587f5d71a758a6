import fastify from 'fastify'
import { expositionServer } from '../../../src/adapters/prometheus/exposition-server.ts'
import { type HealthDeps, registerHealth } from '../../../src/plugins/health.ts'
import type { Container, KubernetesObject, Probe, Workload } from '../objects.ts'
import { componentOf, isOurs, isWorkload, ofKind, podOf } from '../objects.ts'

/** What answers at each named port: asked, not written down twice. */
export type Answers = { http(path: string): boolean; metrics(path: string): Promise<boolean>; close(): Promise<void> }

export async function startAnswering(): Promise<Answers> {
  const app = fastify()
  // Registered, never asked: what the checks would be is of no matter.
  registerHealth(app, { checks: async () => ({}), consistency: async () => ({}) } as unknown as HealthDeps)
  const registry = { metrics: async () => '', contentType: 'text/plain' }
  const log = { warn: () => undefined } as unknown as Parameters<typeof expositionServer>[0]['log']
  const server = expositionServer({ registry, log })
  const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
  return {
    http: (path) => app.hasRoute({ method: 'GET', url: path }),
    metrics: async (path) => (await fetch(new URL(path, url))).ok,
    close: server.close,
  }
}

/** Probes and monitors ask for what is answered, and no probe that ends a process asks for a dependency. */
export async function deafProbes(objects: KubernetesObject[], answers: Answers): Promise<string[]> {
  const faults: string[] = []
  for (const workload of objects.filter(isWorkload).filter(isOurs)) {
    for (const container of podOf(workload).containers) {
      for (const fault of await faultsOf(workload, container, answers))
        faults.push(`${componentOf(workload)}: ${fault}`)
    }
  }
  return [...faults, ...(await deafMonitors(objects, answers))]
}

async function faultsOf({ kind }: Workload, container: Container, answers: Answers): Promise<string[]> {
  if (kind === 'Job') return []
  const { startupProbe, livenessProbe, readinessProbe, ports = [] } = container
  const faults = livenessProbe && startupProbe ? [] : ['is not seen to start and to live']
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
    if (probe && !(await isAnswered(probe, ports, answers)))
      faults.push(`nobody answers ${JSON.stringify(probe.httpGet)}`)
  }
  const asksDependencies = [startupProbe, livenessProbe].some((probe) => probe?.httpGet?.path.includes('ready'))
  return asksDependencies ? [...faults, 'is ended when something else is away'] : faults
}

async function isAnswered(
  { httpGet }: Probe,
  ports: NonNullable<Container['ports']>,
  answers: Answers,
): Promise<boolean> {
  if (!httpGet || !ports.some(({ name }) => name === httpGet.port)) return false
  return httpGet.port === 'http' ? answers.http(httpGet.path) : answers.metrics(httpGet.path)
}

async function deafMonitors(objects: KubernetesObject[], answers: Answers): Promise<string[]> {
  const ports = objects
    .filter(isWorkload)
    .flatMap((one) => podOf(one).containers.flatMap((container) => container.ports ?? []))
  const faults: string[] = []
  for (const kind of ['ServiceMonitor', 'PodMonitor']) {
    for (const { metadata, spec } of ofKind(objects, kind)) {
      for (const { port, path } of [...(spec?.endpoints ?? []), ...(spec?.podMetricsEndpoints ?? [])]) {
        const isThere = ports.some(({ name }) => name === port) && (await answers.metrics(path))
        if (!isThere) faults.push(`${kind} ${metadata.name}: nothing at ${port}${path}`)
      }
    }
  }
  return faults
}
