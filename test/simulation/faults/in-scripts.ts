import { byId, LITTLE, type PlantedFault } from './fault.ts'

const USER = 'src/projections/user'
/** Whoever asks finds out that Redis is another, and hears nothing from the database of the user whom it is about. */
const aboutAnother = (after?: string) => ({ ...byId(1, after), user: 1 })

export const IN_SCRIPTS: PlantedFault[] = [
  {
    name: 'a fill does not look at its lease',
    file: `${USER}/apply-n.lua`,
    from: `if ARGV[11] ~= '' and redis.call('GET', KEYS[6]) ~= ARGV[11] then`,
    to: 'if false then',
    seed: 25,
    violates: ['never older'],
    given: {
      ...LITTLE,
      clients: [
        [byId(0, 'evict ended'), byId(0)],
        [{ do: 'details', after: 'byId', user: 0, via: 1 }, byId(1)],
      ],
      trouble: [
        { do: 'evict', user: 0 },
        { do: 'evict', after: 'details', user: 0 },
      ],
    },
  },
  {
    name: 'a fence deletes the entry',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('HDEL', KEYS[1], 'b', 'p')\nredis.call('HSET', KEYS[1], 'v', ARGV[2])`,
    to: `redis.call('DEL', KEYS[1])`,
    seed: 1,
    violates: ['converges', 'lists'],
  },
  {
    name: 'an apply at the version of the fence is refused',
    file: `${USER}/apply-n.lua`,
    from: 'if heldVersion > version then',
    to: 'if heldVersion >= version then',
    seed: 1,
    violates: ['converges'],
  },
  {
    name: 'an apply overwrites whatever is there',
    file: `${USER}/apply-n.lua`,
    from: 'if heldVersion > version then',
    to: 'if false then',
    seed: 14,
    violates: ['no way back'],
  },
  {
    name: 'an apply does not look at the incarnation',
    file: `${USER}/apply-n.lua`,
    from: `if redis.call('GET', KEYS[2]) ~= ARGV[1] then`,
    to: 'if false then',
    seed: 25,
    violates: ['never older'],
    given: {
      ...LITTLE,
      pool: [1, 2],
      clients: [
        [{ do: 'details', after: 'feed', user: 0, via: 0 }],
        [aboutAnother('look ended'), aboutAnother(), byId(1), byId(1)],
      ],
      foreign: [{ do: 'status', user: 0 }],
      workers: [[{ do: 'feed', after: 'status ended' }], [{ do: 'look', after: 'flush' }]],
      trouble: [{ do: 'flush', after: 'details ended' }],
    },
  },
  {
    name: 'a fence drops one body only',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('HDEL', KEYS[1], 'b', 'p')`,
    to: `redis.call('HDEL', KEYS[1], 'b')`,
    seed: 1,
    violates: ['exact'],
  },
  {
    name: 'an apply leaves the body without what is personal as it was',
    file: `${USER}/apply-n.lua`,
    from: `'b', ARGV[4], 'p', ARGV[5], 't'`,
    to: `'b', ARGV[4], 't'`,
    seed: 1,
    violates: ['exact'],
  },
  {
    name: 'an apply puts what is personal into both bodies',
    file: `${USER}/apply-n.lua`,
    from: `'p', ARGV[5], 't'`,
    to: `'p', ARGV[4], 't'`,
    seed: 1,
    violates: ['exact'],
  },
  {
    name: 'a fence drops the terms with the bodies',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('HDEL', KEYS[1], 'b', 'p')`,
    to: `redis.call('HDEL', KEYS[1], 'b', 'p', 't')`,
    seed: 1,
    violates: ['converges', 'lists'],
  },
  {
    name: "a late apply deletes the username's hint of another",
    file: 'src/projections/username/release-1.lua',
    from: `if redis.call('GET', KEYS[1]) ~= ARGV[1] then`,
    to: 'if false then',
    seed: 2,
    violates: ['hints'],
  },
  {
    name: 'a body is stored although the terms have moved',
    file: `${USER}/apply-n.lua`,
    from: `if (held[2] or '') ~= ARGV[7] then`,
    to: 'if false then',
    seed: 8,
    violates: ['converges'],
    given: {
      ...LITTLE,
      foreign: [
        { do: 'assign', user: 0, branch: 'B2' },
        { do: 'assign', after: 'feed', user: 0, branch: 'B1' },
        { do: 'assign', after: 'feed', user: 0, branch: 'B2' },
      ],
      workers: [
        [{ do: 'feed', after: 'assign' }, { do: 'feed' }],
        [{ do: 'feed', after: 'assign' }, { do: 'feed' }],
      ],
    },
  },
  {
    name: 'a fence leaves the lease',
    file: `${USER}/fence-4.lua`,
    from: `redis.call('DEL', KEYS[3])`,
    to: '',
    seed: 25,
    violates: ['never older'],
    given: {
      ...LITTLE,
      clients: [
        [byId(0, 'evict ended'), byId(0)],
        [{ do: 'details', after: 'byId', user: 0, via: 1 }, byId(1)],
      ],
      trouble: [
        { do: 'evict', user: 0 },
        { do: 'evict', after: 'details', user: 0 },
      ],
    },
  },
]
