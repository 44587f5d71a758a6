import type { TestContext } from 'node:test'
import { type MetricRegistry, metricsServer } from '../../src/wiring-metrics.ts'
import { readExposition } from '../support/exposition.ts'
import { quiet } from '../support/service.ts'

/** Metrics over HTTP, as Prometheus reads them. */
export async function scraping(t: Pick<TestContext, 'after'>, registry: MetricRegistry) {
  const server = metricsServer(registry, quiet)
  t.after(server.close)
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  return async (): Promise<string> => {
    const answer = await fetch(url)
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
    return answer.text()
  }
}

/** The sum over all series of `name` that have these labels. Throws when there is none. */
export function sumOf(text: string, name: string, labels: Record<string, string> = {}): number {
  const found = readExposition(text)
    .flatMap(({ samples }) => samples)
    .filter((one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value))
  if (found.length === 0) throw new Error(`no series ${name} ${JSON.stringify(labels)}`)
  return found.reduce((sum, { value }) => sum + value, 0)
}

/** By how much each of these has risen from one scrape to another. */
export function risen(
  before: string,
  after: string,
  wanted: Record<string, [name: string, labels?: Record<string, string>]>,
) {
  return Object.fromEntries(
    Object.entries(wanted).map(([what, [name, labels]]) => [
      what,
      sumOf(after, name, labels) - sumOf(before, name, labels),
    ]),
  )
}
