import { MICROSERVICES, type MicroserviceName } from '../../src/domain/neighbours.ts'

/** What the service counts, since its start: calls by how they ended, and the requests that it sent. */
export type Counted = Record<MicroserviceName, { calls: Record<string, number>; requests: number }>

const SCRAPE_LIMIT_MS = 5_000
const CALLS = 'users_neighbour_call_duration_seconds_count'
const REQUESTS = 'users_neighbour_requests_total'

export async function scrape(port: number): Promise<Counted> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(SCRAPE_LIMIT_MS) })
  return countedIn(await answer.text())
}

/** Of the text format of Prometheus. */
export function countedIn(text: string): Counted {
  const series = [...text.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)].map(([, name, labels = '', value]) => ({
    name,
    value: Number(value),
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, of]) => [label, of])),
  }))
  const of = (neighbour: MicroserviceName) => {
    const own = series.filter(({ labels }) => labels.neighbour === neighbour)
    const requests = own.find(({ name }) => name === REQUESTS)?.value
    const calls = own.filter(({ name }) => name === CALLS).map(({ labels, value }) => [labels.outcome, value] as const)
    if (requests === undefined || calls.length === 0) throw new Error(`the service does not count ${neighbour}`)
    return { requests, calls: Object.fromEntries(calls) }
  }
  return Object.fromEntries(MICROSERVICES.map((neighbour) => [neighbour, of(neighbour)])) as Counted
}

/** From one look to a later one. */
export function between(before: Counted, after: Counted): Counted {
  const of = (neighbour: MicroserviceName) => ({
    requests: after[neighbour].requests - before[neighbour].requests,
    calls: Object.fromEntries(
      Object.entries(after[neighbour].calls).map(([outcome, count]) => [
        outcome,
        count - (before[neighbour].calls[outcome] ?? 0),
      ]),
    ),
  })
  return Object.fromEntries(MICROSERVICES.map((neighbour) => [neighbour, of(neighbour)])) as Counted
}
