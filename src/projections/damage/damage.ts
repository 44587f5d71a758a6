import type { ExpiringKeys, ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { isForeignKey } from '../keys.ts'
import { lua } from '../lua.ts'

const DROP = lua(import.meta.url, 'drop-damaged-n')

type Expected = { type: 'string' | 'hash' | 'set' | 'zset'; alone: boolean }
/** By the last part of a key's name. Without an index, or what says how far it may be believed, a partition begins anew. */
const EXPECTED: Record<string, Expected> = {
  ...{ id: { type: 'hash', alone: true }, lease: { type: 'string', alone: true } },
  ...{ roles: { type: 'hash', alone: true }, tally: { type: 'hash', alone: true } },
  ...{ ghosts: { type: 'zset', alone: true }, schemas: { type: 'hash', alone: true } },
  ...{ mark: { type: 'string', alone: true }, built: { type: 'string', alone: true } },
  ...{ ahead: { type: 'string', alone: true }, inc: { type: 'string', alone: true } },
  ...{ dirty: { type: 'set', alone: false }, branch: { type: 'zset', alone: false } },
  ...{ names: { type: 'zset', alone: false }, ids: { type: 'zset', alone: false } },
}
/** A username's hint, or a copy of what another service says. */
const LONE_TEXT: Expected = { type: 'string', alone: true }

type Options = { log: Log; onDropped(count: number): void }

/**
 * The same Redis; where a call finds another type in a key than this service keeps there (somebody's mistake, another
 * program's key), the key is dropped, as worthless, and the call made again. What it held is read from the database, and
 * projected again; what depends on it is built anew.
 */
export function mendingTypes<Redis extends ReadModelRedis & ExpiringKeys>(
  redis: Redis,
  { log, onDropped }: Options,
): Redis {
  const drop = async (keys: string[]): Promise<void> => {
    const known = keys.flatMap((key) => {
      const place = placeOf(key)
      return place ? [{ key, ...place }] : []
    })
    for (const [home, some] of Map.groupBy(known, ({ inc }) => inc)) {
      const args = some.flatMap(({ type, alone }) => [type, alone ? 'alone' : 'all'])
      const dropped = (await redis.run(DROP, [home, ...some.map(({ key }) => key)], args)) as number
      if (dropped === 0) continue
      log.error({ keys: some.map(({ name }) => name), dropped }, 'Redis held what this service never writes: dropped')
      onDropped(dropped)
    }
  }
  /** Of calls made at the same time, each has found it: the second finds nothing left to drop. */
  const mending = async <Reply>(keys: string[], call: () => Promise<Reply>): Promise<Reply> => {
    try {
      return await call()
    } catch (error) {
      if (!isWrongType(error)) throw error
      await drop(keys)
      return call()
    }
  }
  return {
    ...redis,
    refreshIncarnation: (incKey) => mending([incKey], () => redis.refreshIncarnation(incKey)),
    get: (key) => mending([key], () => redis.get(key)),
    getExpiring: (key) => mending([key], () => redis.getExpiring(key)),
    hmget: (key, ...fields) => mending([key], () => redis.hmget(key, ...fields)),
    hgetall: (key) => mending([key], () => redis.hgetall(key)),
    smembers: (key, max) => mending([key], () => redis.smembers(key, max)),
    zrangeByScore: (key, above, limit) => mending([key], () => redis.zrangeByScore(key, above, limit)),
    zrangeByLex: (key, min, max, limit) => mending([key], () => redis.zrangeByLex(key, min, max, limit)),
    run: (script, keys, args) => mending(keys, () => redis.run(script, keys, args)),
    runForReader: (script, keys, args) => mending(keys, () => redis.runForReader(script, keys, args)),
    readBuffers: (script, keys) => mending(keys, () => redis.readBuffers(script, keys)),
  }
}

function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.includes('WRONGTYPE')
}

/** Null: nothing is known of such a key, or it may be somebody else's. `name` holds no user's data. */
function placeOf(key: string): (Expected & { inc: string; name: string }) | null {
  if (/^\{usr:n[^}]*\}:[0-9a-z]+\.\d+(?:p\d+)?:/.test(key)) return { ...LONE_TEXT, inc: key, name: 'a username' }
  if (isForeignKey(key)) return { ...LONE_TEXT, inc: key, name: 'a copy of what another service says' }
  const [, base = '', name = '', id = ''] =
    /^(\{usr\d+\}:[0-9a-z]+(?:\.\d+(?:p\d+)?)?:)([a-z]+)(:.*)?$/s.exec(key) ?? []
  const expected = Object.hasOwn(EXPECTED, name) ? EXPECTED[name] : undefined
  return expected ? { ...expected, inc: `${base}inc`, name: name + id } : null
}
