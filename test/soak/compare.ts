import { Redis } from 'ioredis'
import { readModelKeys } from '../../src/projections/keys.ts'
import { encodeTerms, nameMember, termsOf } from '../../src/projections/user/project.ts'
import { type Client, client, get } from './client.ts'
import { readTables } from './history.ts'
import type { Stage } from './stage.ts'
import { type State, stateFrom, withoutPersonal } from './state.ts'

const PIPELINE = 500
/** Hints are mended by their use, and nobody waits for it. */
const HINT_LIMIT_MS = 5_000

export type Comparison = { users: number; answers: number; entries: number; staleHints: number; differences: string[] }

/** Everything that is shown or kept, compared with the tables. Nothing may be under way. */
export async function compareAll(stage: Stage): Promise<Comparison> {
  const states = new Map(
    readTables(stage.path).map(({ entityId, version, state }) => [Number(entityId), stateFrom(0, version, state)]),
  )
  const differences: string[] = []
  let answers = 0
  for (const api of stage.addresses) {
    for (const [who, credentials] of Object.entries(stage.credentials)) {
      const asker = client(api, credentials)
      for (const [userId, state] of states) {
        const seen = who === 'all' ? state : withoutPersonal(state)
        answers += await compareAnswers(asker, userId, seen, differences)
      }
      asker.close()
    }
  }
  const redis = new Redis(stage.redis.url, { protocol: 2 })
  try {
    const { entries, staleHints } = await compareRedis(redis, stage.epoch, states, differences)
    return { users: states.size, answers, entries, staleHints, differences }
  } finally {
    redis.disconnect()
  }
}

async function compareAnswers(
  asker: Client,
  userId: number,
  { user, body }: State,
  differences: string[],
): Promise<number> {
  const byId = await asker.ask(get(`/v1/users/${userId}`))
  const right = body === null ? byId.status === 404 : byId.status === 200 && byId.text === body
  if (!right) differences.push(`${asker.api}: user ${userId}: ${byId.status} ${byId.text}\n    instead of ${body}`)
  if (!user) return 1
  const byName = await asker.ask(get(`/v1/users/by-username/${encodeURIComponent(user.username)}`))
  if (byName.text !== body)
    differences.push(`${asker.api}: "${user.username}": ${byName.status} ${byName.text}\n    instead of ${body}`)
  return 2
}

async function compareRedis(redis: Redis, epoch: string, states: Map<number, State>, differences: string[]) {
  const keys = readModelKeys(epoch)
  const living = [...states.values()].flatMap(({ user }) => (user ? [user] : []))
  const differ = (what: string, held: unknown, right: unknown) => {
    if (String(held) !== String(right)) differences.push(`Redis: ${what}: ${held}\n    instead of ${right}`)
  }
  let entries = 0
  for (const batch of batches([...states])) {
    const pipeline = redis.pipeline()
    for (const [userId] of batch) pipeline.hmget(keys.user(userId), 'v', 'b', 'p', 't')
    const held = (await pipeline.exec()) ?? []
    for (const [i, [userId, { version, user, body, bare }]] of batch.entries()) {
      const entry = (held[i]?.[1] ?? []) as (string | null)[]
      // Who is gone may be a tombstone, or unknown to a Redis that was emptied since.
      if (user === null && entry.every((field) => field === null)) continue
      entries += 1
      differ(
        `entry of user ${userId}`,
        JSON.stringify(entry),
        JSON.stringify([`${version}`, body ?? '', bare ?? '', encodeTerms(user ? termsOf(user) : null)]),
      )
    }
  }
  const { ids, names, dirty, branch } = keys.home
  differ('ids', (await redis.zrange(ids, '0', '-1')).sort(), living.map(({ id }) => String(id)).sort())
  const members = living.map((user) => nameMember(termsOf(user).name, user.id))
  differ('names', (await redis.zrange(names, '0', '-1')).sort(), members.sort())
  differ('dirty', await redis.smembers(dirty), '')
  const rosters = new Map<string, string[]>()
  for (const user of living) {
    for (const branchId of termsOf(user).branches)
      rosters.set(branchId, [...(rosters.get(branchId) ?? []), String(user.id)])
  }
  const found = await redis.keys(`${keys.home.base}branch:*`)
  for (const key of new Set([...found, ...[...rosters.keys()].map(branch)])) {
    const branchId = key.slice(branch('').length)
    differ(`roster of ${branchId}`, (await redis.zrange(key, '0', '-1')).sort(), (rosters.get(branchId) ?? []).sort())
  }
  return { entries, staleHints: await compareHints(redis, keys, living, differences) }
}

/** Each username that somebody has must lead to them; of one that nobody has, a hint may be left: each use checks it. */
async function compareHints(
  redis: Redis,
  keys: ReturnType<typeof readModelKeys>,
  living: { id: number; username: string }[],
  differences: string[],
): Promise<number> {
  const holders = new Map(living.map(({ id, username }) => [keys.username(username), String(id)]))
  const deadline = Date.now() + HINT_LIMIT_MS
  for (;;) {
    const wrong: string[] = []
    for (const batch of batches([...holders])) {
      const held = await redis.mget(batch.map(([key]) => key))
      batch.forEach(([key, id], i) => {
        if (held[i] !== id) wrong.push(`Redis: hint ${key}: ${held[i]}\n    instead of ${id}`)
      })
    }
    if (wrong.length === 0 || Date.now() > deadline) {
      differences.push(...wrong)
      break
    }
  }
  const all = await redis.keys(keys.hintsEverywhere)
  return all.filter((key) => !holders.has(key)).length
}

function* batches<Value>(values: Value[]): Generator<Value[]> {
  for (let from = 0; from < values.length; from += PIPELINE) yield values.slice(from, from + PIPELINE)
}
