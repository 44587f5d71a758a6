import type { NeighbourName } from '../../domain/neighbours.ts'
import type { Caller } from '../../ports/neighbours.ts'
import type { Tracing } from '../../ports/tracing.ts'

type Calls = { call(name: never, params: never, caller: Caller): Promise<unknown> }

/** A neighbour's guarded client, whose calls are parts of what they are made for, and say so in place of what has come. */
export function tracedCalls<Client extends Calls>(
  client: Client,
  neighbour: NeighbourName,
  { segment, isTracing, ofCall }: Pick<Tracing, 'segment' | 'isTracing' | 'ofCall'>,
): Client {
  const call = (name: never, params: never, caller: Caller) =>
    segment(`neighbour ${neighbour} ${String(name)}`, () =>
      client.call(name, params, isTracing() ? { ...caller, trace: ofCall() } : caller),
    )
  return { ...client, call }
}
