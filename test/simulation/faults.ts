import type { Fault } from './planting.ts'

export type PlantedFault = Fault & { name: string; violates: string[] }

const USER = 'src/projections/user'

export const FAULTS: PlantedFault[] = [
  {
    name: 'a fill does not look at its lease',
    file: `${USER}/apply-n.lua`,
    from: `if ARGV[10] ~= '' and redis.call('GET', KEYS[6]) ~= ARGV[10] then`,
    to: 'if false then',
    violates: ['never older'],
  },
  {
    name: 'a fence deletes the entry',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('HDEL', KEYS[1], 'b')\nredis.call('HSET', KEYS[1], 'v', ARGV[2])`,
    to: `redis.call('DEL', KEYS[1])`,
    violates: ['lists'],
  },
  {
    name: 'an apply at the version of the fence is refused',
    file: `${USER}/apply-n.lua`,
    from: 'if heldVersion > version then',
    to: 'if heldVersion >= version then',
    violates: ['converges'],
  },
  {
    name: 'an apply overwrites whatever is there',
    file: `${USER}/apply-n.lua`,
    from: 'if heldVersion > version then',
    to: 'if false then',
    violates: ['no way back'],
  },
  {
    name: 'an apply does not look at the incarnation',
    file: `${USER}/apply-n.lua`,
    from: `if redis.call('GET', KEYS[2]) ~= ARGV[1] then`,
    to: 'if false then',
    violates: ['never older'],
  },
  {
    name: 'a fence drops the terms with the body',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('HDEL', KEYS[1], 'b')`,
    to: `redis.call('HDEL', KEYS[1], 'b', 't')`,
    violates: ['lists'],
  },
  {
    name: "a late apply deletes the username's hint of another",
    file: 'src/projections/username/release-1.lua',
    from: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then`,
    to: 'if false then',
    violates: ['hints'],
  },
  {
    name: 'lists do not care who is dirty',
    file: 'src/projections/lists/lists.ts',
    from: 'dirty: dirty.length === 0 ? [] : await truth.users(dirty.map(Number))',
    to: 'dirty: []',
    violates: ['lists'],
  },
  {
    name: 'lists do not look again once they have read an index',
    file: 'src/projections/lists/lists.ts',
    from: `if (held.includes(false)) throw new Error('the index was lost while it was read')`,
    to: 'void held',
    violates: ['lists'],
  },
  {
    name: 'a body is stored although the terms have moved',
    file: `${USER}/apply-n.lua`,
    from: `if (held[3] or '') ~= ARGV[6] then`,
    to: 'if false then',
    violates: ['converges'],
  },
  {
    name: 'a build counts as done before it is',
    file: 'src/jobs/rebuild/rebuild.ts',
    from: 'const home = incarnations.get(deps.keys.home)',
    to: `await finish(deps, incarnations)
      const home = incarnations.get(deps.keys.home)`,
    violates: ['lists'],
  },
  {
    name: 'a failover is replayed onto by nobody',
    file: 'src/projections/incarnation/guard.ts',
    from: 'if (lost.length > 0) await replay(lost)',
    to: `for (const { partition, held } of lost) await begin(partition, held, 'replayed')`,
    violates: ['never older'],
  },
  {
    name: 'a flight is joined whatever the reader knows of',
    file: `${USER}/misses.ts`,
    from: 'if (answer.version >= atLeast) return answer',
    to: 'if (answer.version >= -1) return answer',
    violates: ['never older'],
  },
  {
    name: 'a fence leaves the lease',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('DEL', KEYS[3])`,
    to: '',
    violates: ['never older'],
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
    violates: ['never older'],
  },
  {
    name: 'a hint is taken at its word',
    file: `${USER}/views.ts`,
    from: 'entry.terms?.username === normaliseUsername(username)',
    to: 'entry.terms !== null',
    violates: ['username'],
  },
  {
    name: 'a fence reaches one schema only',
    file: `${USER}/store.ts`,
    from: 'const elsewhere = await Promise.all(others.map((one) => fenceIn(redis, one, userId, version)))\n      return own',
    to: 'const elsewhere: boolean[] = [others.length < 0]\n      return own',
    violates: ['never older'],
  },
  {
    name: 'a hit is believed under another incarnation',
    file: `${USER}/batched-read.ts`,
    from: `incarnation !== null && replies[0]?.toString('latin1') === incarnation`,
    to: 'true',
    violates: ['never older'],
  },
  {
    name: 'one worker empties what another has begun to fill',
    file: 'src/projections/incarnation/drop-n.lua',
    from: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then`,
    to: 'if false then',
    violates: ['converges'],
  },
  {
    name: 'a near cache keeps its entries when it is down',
    file: 'src/projections/near/near-cache.ts',
    from: 'on = false\n      clear()',
    to: 'on = false',
    violates: ['never older'],
  },
  {
    name: 'a near cache does not understand FLUSHALL',
    file: 'src/projections/near/near-caches.ts',
    from: 'else clear()',
    to: 'else void clear',
    violates: ['never older'],
  },
  {
    name: 'an invalidation leaves the placeholder',
    file: 'src/projections/near/near-cache.ts',
    from: 'held.delete(key)\n      placeholders.delete(key)\n    },\n    clear,',
    to: 'held.delete(key)\n    },\n    clear,',
    violates: ['never older'],
  },
  {
    name: 'a near cache keeps what another had read',
    file: 'src/projections/near/near-views.ts',
    from: '!found.shared && ',
    to: '',
    violates: ['never older'],
  },
  {
    name: 'a near cache is believed though nothing proves that it is told',
    file: 'src/projections/near/near-cache.ts',
    from: 'if (atMs - provedAtMs() > MAX_UNPROVED_MS) return undefined',
    to: '',
    violates: ['never older'],
  },
  {
    name: "a command's own process does not forget",
    file: 'src/projections/near/near-reads.ts',
    from: '.finally(() => near.users.invalidate(userId))',
    to: '',
    violates: ['never older'],
  },
]
