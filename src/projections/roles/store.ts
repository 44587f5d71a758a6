import { DomainError } from '../../domain/errors.ts'
import type { RoleCatalogue } from '../../domain/role.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Truth } from '../../ports.ts'
import type { ReadFrom } from '../../wire/source.ts'
import type { Freshness } from '../freshness/freshness.ts'
import { gather } from '../gather.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'
import type { Schemas } from '../schemas/schemas.ts'
import { isOutage, orNull } from '../user/shown.ts'
import { OtherIncarnationError } from '../user/store.ts'
import type { VersionFloor } from '../version-floor.ts'

const APPLY = lua(import.meta.url, 'apply-2')
const FENCE = lua(import.meta.url, 'fence-1')

/** There is one catalogue; whoever comes while it is being read gets the next reading. */
const ONE_AT_A_TIME = { batch: 1, maxReads: 1, maxWaiting: 1 }

export type ShownCatalogue = RoleCatalogue & { from: ReadFrom; stale?: true }
export type RoleViews = ReturnType<typeof roleViews>
type Deps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Truth
  schemas: Pick<Schemas, 'others'>
  freshness: Pick<Freshness, 'isOld'>
  floor: Pick<VersionFloor, 'roles'>
}

/** The role catalogue, one entry. It is parsed once a version and process, because every permission question needs it. */
export function roleViews({ redis, keys, truth, schemas, freshness, floor }: Deps) {
  const { inc } = keys.home
  let memo: RoleCatalogue | null = null

  const fromRedis = async (): Promise<RoleCatalogue | null> => {
    const [version] = await read('v')
    if (version && memo?.version === Number(version)) return memo
    const [newVersion, body] = await read('v', 'b')
    if (!newVersion || !body) return null
    const roles = JSON.parse(body.toString())
    if (!Array.isArray(roles)) return null
    memo = { version: Number(newVersion), roles }
    return memo
  }
  /** The server may have been emptied or exchanged, behind an open connection too: then it holds nothing. */
  const read = async (...fields: string[]): Promise<(Buffer | null)[]> => {
    // They travel together and in this order: had another server's data come in between, the second would tell.
    const [values, incarnation] = await Promise.all([redis.hmget(keys.roles, ...fields), redis.get(inc)])
    if (incarnation !== null && incarnation === redis.incarnation(inc)) return values
    redis.refreshIncarnation(inc).catch(() => null)
    return []
  }

  const fromTruth = gather<string, ShownCatalogue>({
    ...ONE_AT_A_TIME,
    read: async (keys) => {
      const incarnation = redis.incarnation(inc)
      const { version, roles, settled } = await truth.roles()
      if (settled && incarnation !== null) orNull(apply({ version, roles }, incarnation))
      return new Map(keys.map((key) => [key, { version, roles, from: 'database' }]))
    },
  })

  return {
    /** `atLeast`: a version that the caller knows of; an older answer is not given. */
    async catalogue(atLeast = 0): Promise<ShownCatalogue> {
      const least = Math.max(atLeast, floor.roles())
      const read = redis.incarnation(inc) === null ? null : await orNull(fromRedis())
      const held = read && read.version >= least ? read : null
      if (held && !freshness.isOld()) return { ...held, from: 'redis' }
      try {
        const catalogue = await fromTruth('*')
        if (catalogue.version >= atLeast) return catalogue
        const is = `The roles are at version ${catalogue.version}`
        throw new DomainError('version-unknown', `${is}, which is before Min-Version.`)
      } catch (error) {
        // Changes wait to be handled, and the database is gone too: old is better than none, and is said.
        if (held && isOutage(error)) return { ...held, from: 'redis', stale: true }
        throw error
      }
    },
    apply,
    /** In every schema that is in use. False: all are already as new. */
    async fence(version: number): Promise<boolean> {
      const [own, others] = await Promise.all([fenceIn(redis, keys, version), schemas.others()])
      const elsewhere = await Promise.all(others.map((one) => fenceIn(redis, one, version)))
      return own || elsewhere.includes(true)
    },
    async fenceOthers(version: number, others: Keys[]): Promise<void> {
      await Promise.all(others.map((one) => fenceIn(redis, one, version)))
    },
  }

  async function apply(catalogue: RoleCatalogue, incarnation: string): Promise<void> {
    const args = [incarnation, catalogue.version, JSON.stringify(catalogue.roles)]
    const result = await redis.run(APPLY, [keys.roles, inc], args)
    if (result === 'incarnation') throw new OtherIncarnationError()
  }
}

async function fenceIn(redis: ReadModelRedis, keys: Keys, version: number): Promise<boolean> {
  return (await redis.run(FENCE, [keys.roles], [version])) === 1
}
