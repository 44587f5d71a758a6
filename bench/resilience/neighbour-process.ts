import { madeUpBranch } from '../../src/adapters/http/made-up-branches.ts'
import { madeUpEmployment } from '../../src/adapters/http/made-up-people.ts'
import type { MicroserviceName } from '../../src/domain/neighbours.ts'
import type { Answer } from '../../test/support/fault-kinds.ts'
import { type Asked, type FaultServer, startFaultServer } from '../../test/support/fault-server.ts'
import { monotonicMs } from '../clock.ts'
import { caseNamed } from './cases.ts'

/** `fault`: of the case with this name, from the answer on; null: both are well. */
export type Order = { kind: 'start' } | { kind: 'look' } | { kind: 'set'; fault: string | null }
/** Since its start. `calls`: those of which a request has arrived; `requests`: all of them. */
export type Counts = { calls: number; requests: number }
export type Seen = { atMs: number; atTime: number; counts: Record<MicroserviceName, Counts> }
export type Started = { urls: Record<MicroserviceName, string> }

/** So many calls are told apart: a further attempt comes within the second. */
const CALLS_REMEMBERED = 20_000
const TODAY = new Date()

type Neighbour = { server: FaultServer; calls(): number }

/** A further attempt is the same question for the same request. */
async function startNeighbour(answer: (path: string) => Answer): Promise<Neighbour> {
  const remembered = new Set<string>()
  let calls = 0
  const server = await startFaultServer(({ path, headers }: Asked) => {
    const call = `${headers['x-request-id']} ${path}`
    if (!remembered.has(call)) {
      calls += 1
      remembered.add(call)
      if (remembered.size > CALLS_REMEMBERED) remembered.delete(remembered.values().next().value ?? '')
    }
    return answer(path)
  })
  return { server, calls: () => calls }
}

function branches(path: string): Answer {
  const ids = (path.split('ids=')[1] ?? '').split(',').map(decodeURIComponent)
  return { status: 200, body: { branches: ids.map(madeUpBranch).filter((branch) => branch !== null) } }
}

function employment(path: string): Answer {
  const body = madeUpEmployment(decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)), TODAY)
  return body === null ? { status: 404, body: { code: 'employment-not-found' } } : { status: 200, body }
}

// Both neighbours, in a process of their own: what they use of a core is not the service's, nor the load generator's.
const neighbours: Record<MicroserviceName, Neighbour> = {
  'branches-service': await startNeighbour(branches),
  'people-service': await startNeighbour(employment),
}
const each = <Value>(value: (neighbour: Neighbour) => Value): Record<MicroserviceName, Value> => ({
  'branches-service': value(neighbours['branches-service']),
  'people-service': value(neighbours['people-service']),
})
const seen = (): Seen => ({
  atMs: monotonicMs(),
  atTime: Date.now(),
  counts: each(({ server, calls }) => ({ calls: calls(), requests: server.arrived() })),
})

process.on('message', async (order: Order) => {
  if (order.kind === 'start') {
    process.send?.({ urls: each(({ server }) => server.url) } satisfies Started)
    return
  }
  if (order.kind === 'set') {
    // Each has a fault of its own: its latencies are drawn by nobody else.
    const made = () => (order.fault === null ? null : (caseNamed(order.fault).fault?.() ?? null))
    await Promise.all(Object.values(neighbours).map(({ server }) => server.set(made())))
  }
  process.send?.(seen())
})
