import type { RedisClient } from './adapters/redis/client.ts'
import type { NeighbourName } from './domain/neighbours.ts'
import type { Check, HealthDeps } from './plugins/health.ts'
import type { Authenticator } from './ports/authentication.ts'
import { MAX_UNPROVED_MS } from './ports/invalidations.ts'
import type { Breakers } from './ports/neighbours.ts'
import type { Database } from './ports.ts'
import type { Freshness } from './projections/freshness/freshness.ts'
import type { Keys } from './projections/keys.ts'

/** A database that takes longer to say that it is there is as good as gone for whoever waits for an answer. */
const DATABASE_DEADLINE_MS = 1_000
/** Thrice the interval of the authenticator: a timer that does not go off any more is a fault as well. */
const MAX_KEYS_AGE_MS = 900_000

type Deps = {
  database: Pick<Database, 'ping'>
  redis: Pick<RedisClient, 'isReady' | 'incarnation' | 'evicts'>
  keys: Keys
  freshness: Pick<Freshness, 'isOld' | 'ageMs'>
  /** As of when the near cache is known to be told of changes; null: there is none. */
  near: (() => number) | null
  breakers: Pick<Breakers, 'reports'>
  /** Null: there is no issuer. */
  issuer: Authenticator['state'] | null
}

/**
 * Each by itself, and none waits for another. Without Redis everything but searches is answered, from the database;
 * without the database, what Redis holds; without either, nothing can be.
 */
export function healthChecks(deps: Deps): HealthDeps['checks'] {
  return async () => {
    const { redis, isRead } = checkRedis(deps)
    const database = await checkDatabase(deps)
    const near = deps.near ? { nearCache: checkNear(deps.near) } : {}
    const issuer = deps.issuer ? { issuer: checkIssuer(deps.issuer()) } : {}
    const others = { changes: checkChanges(deps), ...near, ...issuer, ...checkNeighbours(deps) }
    const state = 'failing' as const
    return isRead || database.state === 'ok'
      ? { database, redis, ...others }
      : { database: { ...database, state }, redis: { ...redis, state }, ...others }
  }
}

const ok: Check = { state: 'ok' }
const degraded = (why: string): Check => ({ state: 'degraded', why })

async function checkDatabase({ database }: Deps): Promise<Check> {
  const served = 'only what Redis holds is served'
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Check>((resolve) => {
    timer = setTimeout(
      () => resolve(degraded(`has not answered within ${DATABASE_DEADLINE_MS} ms; ${served}`)),
      DATABASE_DEADLINE_MS,
    )
  })
  const answered = database.ping().then(
    () => ok,
    () => degraded(`does not answer; ${served}`),
  )
  return Promise.race([answered, late]).finally(() => clearTimeout(timer))
}

function checkRedis({ redis, keys }: Deps): { redis: Check; isRead: boolean } {
  const unread = (why: string) => ({ redis: degraded(`${why}; reads come from the database`), isRead: false })
  if (!redis.isReady()) return unread('out of reach')
  const doubtful = keys.partitions.filter(({ inc }) => redis.incarnation(inc) === null).length
  const some = doubtful < keys.partitions.length ? `${doubtful} of ${keys.partitions.length} partitions ` : ''
  if (doubtful > 0) return unread(`${some}not yet prepared by a worker`)
  const policy = redis.evicts()
  const evicting = `drops keys when its memory is full (${policy}), and with them what is known: set noeviction`
  return { redis: policy === null ? ok : degraded(evicting), isRead: true }
}

function checkChanges({ freshness }: Deps): Check {
  if (!freshness.isOld()) return ok
  const ageMs = freshness.ageMs()
  const since = Number.isFinite(ageMs) ? ` for ${Math.round(ageMs / 1000)} s` : ''
  return degraded(`have not been handled${since}: is a worker running? Each read asks the database for the version`)
}

function checkNear(provedAtMs: () => number): Check {
  const unprovedMs = performance.now() - provedAtMs()
  return unprovedMs <= MAX_UNPROVED_MS ? ok : degraded('off: Redis does not tell of changes; reads come from Redis')
}

/** Nobody can be let in without a key; with old ones only who has a new one is not, and who has a withdrawn one is. */
export function checkIssuer({ ready, keysAgeMs, failing }: ReturnType<Authenticator['state']>): Check {
  if (!ready) return { state: 'failing', why: 'its keys could not be fetched yet: no token can be verified' }
  const ageMs = keysAgeMs ?? 0
  if (!failing && ageMs <= MAX_KEYS_AGE_MS) return ok
  return degraded(`its keys could not be fetched; those of ${Math.round(ageMs / 1000)} s ago are used`)
}

/** What its absence means. Never failing: whoever asks for a user gets them without the neighbours. */
const MISSING = {
  'branches-service': 'profiles show what was last known',
  'people-service': 'profiles show what was last known',
  legacy: 'what is not taken over is refused',
} satisfies Record<NeighbourName, string>

/** One each that is configured. */
function checkNeighbours({ breakers }: Deps): Record<string, Check> {
  return Object.fromEntries(
    breakers.reports().map(({ neighbour, state, forced, since }) => {
      const missing = `not asked since ${since}; ${MISSING[neighbour]}`
      if (forced === 'open') return [neighbour, degraded(`an operator’s word: ${missing}`)]
      if (forced === 'closed')
        return [neighbour, degraded(`an operator’s word: asked since ${since} however ill it is`)]
      return [neighbour, state === 'closed' ? ok : degraded(missing)]
    }),
  )
}
