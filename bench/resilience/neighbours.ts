import { exchange, type Processes } from '../processes.ts'
import type { Order, Seen, Started } from './neighbour-process.ts'

export type Neighbours = Awaited<ReturnType<typeof startNeighbours>>

/** branches-service and people-service, which misbehave as they are told. They end with the processes. */
export async function startNeighbours(processes: Processes) {
  const helper = processes.helper('neighbours', 'resilience/neighbour-process.ts', [])
  const order = <Answer>(what: Order) => exchange<Answer>(helper, what)
  const { urls } = await order<Started>({ kind: 'start' })
  return {
    urls,
    /** What has arrived until now. */
    look: () => order<Seen>({ kind: 'look' }),
    /** Answers what had arrived when it began. */
    set: (fault: string | null) => order<Seen>({ kind: 'set', fault }),
  }
}
