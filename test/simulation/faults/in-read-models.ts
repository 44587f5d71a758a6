import type { ClientStep } from '../program.ts'
import { byId, LITTLE, type PlantedFault } from './fault.ts'

const USER = 'src/projections/user'
const permissions = (after?: string): ClientStep => ({ ...byId(0, after), do: 'permissions' }) as ClientStep

export const IN_READ_MODELS: PlantedFault[] = [
  {
    name: 'lists do not care who is dirty',
    file: 'src/projections/lists/lists.ts',
    from: 'dirty: await views.truths(dirty)',
    to: 'dirty: []',
    seed: 8,
    violates: ['lists'],
  },
  {
    name: 'lists do not look again once they have read an index',
    file: 'src/projections/lists/lists.ts',
    from: `if (held.includes(false)) throw new IndexUnusable('lost')`,
    to: 'void held',
    seed: 6,
    violates: ['lists'],
  },
  {
    name: 'a build counts as done before it is',
    file: 'src/jobs/rebuild/rebuild.ts',
    from: 'const home = incarnations.get(deps.keys.home)',
    to: `await finish(deps, incarnations)
      const home = incarnations.get(deps.keys.home)`,
    seed: 23,
    violates: ['lists'],
  },
  {
    name: 'a failover is replayed onto by nobody',
    file: 'src/projections/incarnation/guard.ts',
    from: 'if (lost.length > 0) await replay(lost)',
    to: `for (const { partition, held } of lost) await begin(partition, held, 'replayed')`,
    seed: 1,
    violates: ['converges', 'never older'],
    given: {
      ...LITTLE,
      clients: [
        [{ do: 'details', user: 0, via: 0 }],
        [byId(0, 'look'), byId(0), byId(0), byId(0), byId(0), byId(0), byId(0), byId(0)],
      ],
      workers: [[{ do: 'feed', after: 'details ended' }], [{ do: 'look', after: 'failOver ended' }]],
      trouble: [{ do: 'failOver', after: 'feed ended', lost: 4 }],
    },
  },
  {
    name: 'a flight may be boarded until it lands',
    file: `${USER}/misses.ts`,
    from: `boarding.delete(userId)
      fly(deps, userId, flight.atLeast).then(resolve, reject)`,
    to: `fly(deps, userId, flight.atLeast).finally(() => boarding.delete(userId)).then(resolve, reject)`,
    seed: 1,
    violates: ['never older'],
    given: {
      ...LITTLE,
      clients: [
        [
          { do: 'details', user: 0, via: 1 },
          { do: 'status', after: 'byId', user: 0, via: 1 },
        ],
        [byId(0, 'details ended')],
        [byId(0, 'status ended')],
      ],
    },
  },
  {
    name: 'nobody remembers what the database has said',
    file: 'src/projections/version-floor.ts',
    from: 'users.get(userId) ?? 0',
    to: '(users.get(userId), 0)',
    seed: 13,
    violates: ['never older'],
    given: {
      ...LITTLE,
      clients: [
        [byId(0), byId(0)],
        [{ do: 'byId', user: 0, via: 0, careful: true }, byId(0), byId(0)],
      ],
      foreign: [{ do: 'details', user: 0 }],
      trouble: [{ do: 'evict', user: 0 }],
    },
  },
  {
    name: 'nobody remembers what the database has said of roles',
    file: 'src/projections/version-floor.ts',
    from: 'roles: (): number => rolesVersion',
    to: 'roles: () => 0',
    seed: 1,
    violates: ['never older'],
    given: {
      ...LITTLE,
      clients: [[permissions('drop'), permissions(), permissions(), permissions()]],
      foreign: [{ do: 'role' }],
      trouble: [{ do: 'drop', after: 'role ended', process: 0 }],
    },
  },
  {
    name: 'a read joins one that has begun',
    file: 'src/projections/gather.ts',
    from: `for (const [key] of sent) waiting.delete(key)
    reading += 1
    schedule()
    try {
      const values = await read(sent.map(([key]) => key))`,
    to: `reading += 1
    schedule()
    try {
      const values = await read(sent.map(([key]) => key))
      for (const [key] of sent) waiting.delete(key)`,
    seed: 1,
    violates: ['never older'],
  },
  {
    name: 'a hint is taken at its word',
    file: `${USER}/views.ts`,
    from: 'entry.terms?.username === normaliseUsername(username)',
    to: 'entry.terms !== null',
    seed: 6,
    violates: ['username'],
  },
  {
    name: 'a fence reaches one schema only',
    file: `${USER}/store.ts`,
    from: 'const elsewhere = await Promise.all(others.map((one) => fenceIn(redis, one, userId, version)))\n      return own',
    to: 'const elsewhere: boolean[] = [others.length < 0]\n      return own',
    seed: 7,
    violates: ['never older'],
  },
  {
    name: 'a hit is believed under another incarnation',
    file: `${USER}/batched-read.ts`,
    from: `incarnation !== null && replies[0]?.toString('latin1') === incarnation`,
    to: 'true',
    seed: 3,
    violates: ['converges', 'never older'],
  },
]
