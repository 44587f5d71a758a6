import { setTimeout as wait } from 'node:timers/promises'
import { isUserId } from '../../domain/user.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import type { Cause } from '../../projections/consistency/causes.ts'
import type { States } from '../../projections/consistency/states.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import type { Keys, Partition } from '../../projections/keys.ts'
import { nameMember, type Terms } from '../../projections/user/project.ts'
import type { Examine } from './examine.ts'
import type { Mend } from './mend.ts'
import type { Pace } from './pace.ts'

/** An entry of an index that a user's own terms do not know of. `member` of a hint: the id that it leads to. */
type Stray = { partition: Partition; userId: number; key: string; member: string; cause: Cause; belongs: Belongs }
type Belongs = (terms: Terms | null) => boolean
/** Answers how many there were. */
export type FindStrays = (inTime: Pace) => Promise<number>
type Deps = {
  redis: Pick<
    ReadModelRedis,
    'scan' | 'get' | 'incarnation' | 'refreshIncarnation' | 'smembers' | 'zrangeByScore' | 'zrangeByLex'
  >
  keys: Keys
  states: Pick<States, 'termsOf' | 'unlisted' | 'withdraw' | 'releaseHint' | 'decode'>
  examine: Examine
  mend: Mend
  tally: Pick<Tally, 'found' | 'mended'>
  recheckAfterMs: number
  log: Log
}

/**
 * Looks at everything that Redis holds, for what nobody would find who starts from the database: members of rosters and
 * names, hints, and shown users who are in no list. A member is measured by its user's own terms, in Redis; only where
 * these do not know of it is the user compared with the database, and what is still too much then is taken out.
 */
export function strayFinder(deps: Deps): FindStrays {
  const { redis, keys, states } = deps
  return async (inTime) => {
    let found = 0
    const settle = async (members: Stray[]): Promise<void> => {
      await inTime(members.length)
      found += await settleStrays(deps, members)
    }
    const built = await builtPartitions(deps)
    for (const partition of built) {
      await eachName(redis, partition, settle)
      await eachById(redis, { partition, key: partition.ids, cause: 'ids-extra', belongs: isSomebody }, settle)
      found += await examineAll(deps, (await redis.smembers(partition.dirty, MAX_BULK_USERS)).map(Number))
    }
    await redis.scan(keys.ownEverywhere, async (some) => {
      for (const [partition, names] of byPartition(keys, some)) {
        if (!built.has(partition)) continue
        for (const branchId of after('branch:', names)) await eachById(redis, rosterOf(partition, branchId), settle)
        const userIds = after('id:', names).map(Number)
        await inTime(userIds.length)
        for (const part of chunks(userIds)) found += await examineAll(deps, await states.unlisted(partition, part))
      }
      await settle((await hints(deps, some)).filter(({ partition }) => built.has(partition)))
    })
    return found
  }
}

/** Elsewhere nothing can be too many yet. */
async function builtPartitions({ redis, keys }: Deps): Promise<Set<Partition>> {
  const states = await Promise.all(
    keys.partitions.map(({ built, inc }) => Promise.all([redis.get(built), redis.refreshIncarnation(inc)])),
  )
  return new Set(keys.partitions.filter((_, i) => states[i]?.[1] !== null && states[i]?.[0] === states[i]?.[1]))
}

/** What these keys are called within their partitions; keys of no partition are left out. */
function byPartition({ partitions }: Keys, some: string[]): Map<Partition, string[]> {
  const names = new Map<Partition, string[]>()
  for (const key of some) {
    const partition = partitions[Number(/^\{usr(\d+)\}:/.exec(key)?.[1] ?? Number.NaN)]
    if (!partition?.base || !key.startsWith(partition.base)) continue
    names.set(partition, [...(names.get(partition) ?? []), key.slice(partition.base.length)])
  }
  return names
}

const after = (prefix: string, names: string[]): string[] =>
  names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))

async function examineAll({ examine, mend }: Deps, members: number[]): Promise<number> {
  // A hint, or a member that somebody made by hand, may be no id at all.
  const userIds = members.filter(isUserId)
  if (userIds.length === 0) return 0
  const { findings } = await examine(userIds)
  return mend(findings)
}

/** Of these members, those that do not belong are looked at again later, and taken out. */
async function settleStrays(deps: Deps, members: Stray[]): Promise<number> {
  const suspects = await stillStray(deps, members)
  if (suspects.length === 0) return 0
  await wait(deps.recheckAfterMs)
  // The terms themselves may be what is wrong: first they are put right.
  let found = await examineAll(deps, [...new Set(suspects.map(({ stray }) => stray.userId))])
  for (const suspect of await stillStray(
    deps,
    suspects.map(({ stray }) => stray),
  )) {
    const { userId, cause } = suspect.stray
    if (!(await takeOut(deps, suspect))) continue
    found += 1
    await deps.tally.found([cause])
    await deps.tally.mended([cause])
    deps.log.warn({ userId, cause }, 'the auditor took out an entry that was too many')
  }
  return found
}

type Suspect = { stray: Stray; terms: string }

async function stillStray({ states }: Deps, members: Stray[]): Promise<Suspect[]> {
  const held = await states.termsOf(members.map(({ userId }) => userId))
  return members.flatMap((stray, i) => {
    const terms = held[i] ?? ''
    return stray.belongs(states.decode(terms)) ? [] : [{ stray, terms }]
  })
}

async function takeOut({ redis, states }: Deps, { stray, terms }: Suspect): Promise<boolean> {
  const { partition, key, member, cause, userId } = stray
  if (cause === 'hint') return states.releaseHint(key, member)
  const incarnation = redis.incarnation(partition.inc)
  return incarnation !== null && states.withdraw({ partition, incarnation, userId, terms, key, member })
}

type Settle = (members: Stray[]) => Promise<void>

async function eachName(redis: Deps['redis'], partition: Partition, settle: Settle): Promise<void> {
  const [first, end] = [Buffer.from('-'), Buffer.from('+')]
  for (let min: Buffer = first; ; ) {
    const page = await redis.zrangeByLex(partition.names, min, end, MAX_BULK_USERS)
    const last = page.at(-1)
    await settle(
      page.map((bytes): Stray => {
        const member = bytes.toString()
        const userId = Number(member.slice(member.lastIndexOf('\0') + 1))
        const belongs: Belongs = (terms) => terms !== null && nameMember(terms.name, userId) === member
        return { partition, userId, key: partition.names, member, cause: 'names-extra', belongs }
      }),
    )
    if (last === undefined || page.length < MAX_BULK_USERS) return
    min = Buffer.concat([Buffer.from('('), last])
  }
}

type ById = Pick<Stray, 'partition' | 'key' | 'cause' | 'belongs'>
const isSomebody: Belongs = (terms) => terms !== null
const rosterOf = (partition: Partition, branchId: string): ById => ({
  partition,
  key: partition.branch(branchId),
  cause: 'roster-extra',
  belongs: (terms) => terms?.branches.includes(branchId) === true,
})

async function eachById(redis: Deps['redis'], index: ById, settle: Settle): Promise<void> {
  for (let above = 0; ; ) {
    const page = await redis.zrangeByScore(index.key, above, MAX_BULK_USERS)
    await settle(page.map((member): Stray => ({ ...index, userId: Number(member), member })))
    const highest = Math.max(...page.map(Number).filter(isUserId))
    // A member whose score is not its id would turn this into a circle.
    if (page.length < MAX_BULK_USERS || highest <= above) return
    above = highest
  }
}

/** Usernames, among these keys, with whom they lead to. */
async function hints({ redis, keys }: Deps, some: string[]): Promise<Stray[]> {
  const names = some.flatMap((key) => {
    const name = keys.usernameOf(key)
    return name === null ? [] : [{ key, name }]
  })
  const leads = await Promise.all(names.map(({ key }) => redis.get(key)))
  return names.flatMap(({ key, name }, i): Stray[] => {
    const member = leads[i]
    if (member === null || member === undefined) return []
    const userId = Number(member)
    const belongs: Belongs = (terms) => terms?.username === name
    return [{ partition: keys.of(userId), userId, key, member, cause: 'hint', belongs }]
  })
}

function chunks(userIds: number[]): number[][] {
  const count = Math.ceil(userIds.length / MAX_BULK_USERS)
  return Array.from({ length: count }, (_, i) => userIds.slice(i * MAX_BULK_USERS, (i + 1) * MAX_BULK_USERS))
}
