import { byId, LITTLE, type PlantedFault } from './fault.ts'

export const IN_NEAR_CACHES: PlantedFault[] = [
  {
    name: 'a near cache keeps its entries when it is down',
    file: 'src/projections/near/near-cache.ts',
    from: 'on = false\n      clear()',
    to: 'on = false',
    seed: 28,
    violates: ['never older'],
  },
  {
    name: 'a near cache does not understand FLUSHALL',
    file: 'src/projections/near/near-caches.ts',
    from: 'else clear()',
    to: 'else void clear',
    seed: 13,
    violates: ['never older'],
  },
  {
    name: 'an invalidation leaves the placeholder',
    file: 'src/projections/near/near-cache.ts',
    from: 'held.delete(key)\n      placeholders.delete(key)\n    },\n    clear,',
    to: 'held.delete(key)\n    },\n    clear,',
    seed: 2,
    violates: ['never older'],
    given: {
      ...LITTLE,
      nearCaches: true,
      clients: [[byId(0)], [{ do: 'details', after: 'byId', user: 0, via: 1 }]],
    },
  },
  {
    name: 'a near cache is believed though nothing proves that it is told',
    file: 'src/projections/near/near-cache.ts',
    from: 'if (atMs - provedAtMs() > MAX_UNPROVED_MS) return undefined',
    to: '',
    seed: 13,
    violates: ['never older'],
  },
  {
    name: "a command's own process is not told of it",
    file: 'src/projections/visible-writes.ts',
    from: 'floor.raiseUser(userId, answer.version)',
    to: '',
    seed: 9,
    violates: ['never older'],
  },
  {
    name: 'nobody tells a near cache what the database has said',
    file: 'src/projections/near/near-reads.ts',
    from: 'user: near.users.outdate',
    to: 'user: () => undefined',
    seed: 9,
    violates: ['never older'],
  },
]
