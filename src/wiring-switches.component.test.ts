import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lastFirst, type Owner } from '../test/contract/rig.ts'
import { temporaryFolder } from '../test/contract/sqlite.ts'
import { connectClient, connectRaw, freshKeys } from '../test/support/read-models.ts'
import { startTestRedis } from '../test/support/redis.ts'
import { quiet, until } from '../test/support/service.ts'
import { openSqlite } from './adapters/sqlite/database.ts'
import { ensureSqliteSchema } from './adapters/sqlite/schema.ts'
import { forceBreaker } from './commands/force-breaker/handler.ts'
import { releaseBreaker } from './commands/release-breaker/handler.ts'
import { UNLIMITED } from './domain/authority.ts'
import { type ForcedState, NEIGHBOURS, type NeighbourName } from './domain/neighbours.ts'
import type { Breakers } from './ports/neighbours.ts'
import { listBreakers } from './queries/list-breakers/handler.ts'
import { wireSwitches } from './wiring-switches.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }
/** Longer than any test: what is learned nevertheless is learned by a wake. */
const NO_POLL_MS = 600_000
const POLL_MS = 20

/** Breakers that do what they are told, and remember what that was. */
function breakersHere(): Breakers & { told: string[] } {
  const forced = new Map<NeighbourName, ForcedState | null>()
  const told: string[] = []
  return {
    told,
    force(neighbour, to) {
      forced.set(neighbour, to)
      told.push(`${neighbour} ${to}`)
    },
    reports: () =>
      NEIGHBOURS.map((neighbour) => {
        const to = forced.get(neighbour) ?? null
        return { neighbour, state: to ?? 'closed', forced: to, since: '2024-06-01T09:00:00.000Z' }
      }),
  }
}

/** One Redis and one database, and replicas on them. */
async function start(context: TestContext) {
  const t = lastFirst(context)
  const server = await startTestRedis()
  t.after(server.stop)
  const path = join(await temporaryFolder(t), 'users.db')
  ensureSqliteSchema(path)
  const keys = freshKeys()
  const raw = connectRaw(t, server.url)
  const replica = (pollMs: number) => replicaOn(t, { redisUrl: server.url, path, keys, pollMs })
  const listening = async (replicas: number) =>
    until(
      'all listen',
      async () => Number(((await raw.call('PUBSUB', 'NUMSUB', keys.switched)) as string[])[1]) === replicas,
    )
  return { replica, listening, server }
}

type Where = { redisUrl: string; path: string; keys: ReturnType<typeof freshKeys>; pollMs: number }
async function replicaOn(t: Owner, { path, ...where }: Where) {
  const database = openSqlite(path)
  t.after(database.close)
  const redis = await connectClient(t, where.redisUrl, where.keys)
  const breakers = breakersHere()
  const routes: string[] = []
  const modes = { obey: (settings: ReadonlyMap<string, string>) => void routes.push([...settings.keys()].join()) }
  const { commands, queries, stop } = await wireSwitches({ ...where, database, redis, breakers, modes, log: quiet })
  t.after(stop)
  const deps = { ...commands, now: () => new Date() }
  const force = forceBreaker(deps)
  return {
    told: breakers.told,
    routes,
    switches: commands.switches,
    stop,
    force: (to: ForcedState) => force({ neighbour: 'people-service', to, reason: 'test', by: BY }),
    release: () => releaseBreaker(deps)({ neighbour: 'people-service', by: BY }),
    stateOf: () => listBreakers(queries)().find(({ neighbour }) => neighbour === 'people-service')?.state,
  }
}

test('what one replica is told is in force there before it is answered, and the others are woken', async (t) => {
  const { replica, listening } = await start(t)
  const [one, two] = [await replica(NO_POLL_MS), await replica(NO_POLL_MS)]
  await listening(2)
  assert.equal((await one.force('open')).visible, true)
  assert.deepEqual(one.told, ['people-service open'])
  await until('the other obeys', async () => two.stateOf() === 'open')
  await two.release()
  assert.equal(two.stateOf(), 'closed')
  await until('the other obeys', async () => one.stateOf() === 'closed')
  assert.deepEqual(one.told, ['people-service open', 'people-service null'])
})

test('a replica that starts later obeys before it does anything', async (t) => {
  const { replica } = await start(t)
  await (await replica(NO_POLL_MS)).force('open')
  assert.deepEqual((await replica(NO_POLL_MS)).told, ['people-service open'])
})

test('without Redis the others learn of it all the same', async (t) => {
  const { replica, server } = await start(t)
  const [one, two] = [await replica(NO_POLL_MS), await replica(POLL_MS)]
  await server.stop()
  assert.equal((await one.force('closed')).visible, true)
  await until('the other obeys', async () => two.told.at(-1) === 'people-service closed')
})

test('routes are told as breakers are', async (t) => {
  const { replica, listening } = await start(t)
  const [one, two] = [await replica(NO_POLL_MS), await replica(NO_POLL_MS)]
  await listening(2)
  const event = { type: 'route-set', route: 'x', mode: 'native', percent: null, reason: 'r', at: '2024-06-01' } as const
  const change = { setting: '{}', entity: { name: 'route' as const, id: 'x' }, event }
  assert.deepEqual(await one.switches.update('route:x', BY, () => change), { setting: '{}', visible: true })
  assert.deepEqual(one.routes.at(-1), 'route:x')
  await until('the other obeys', async () => two.routes.at(-1) === 'route:x')
})

test('stopped, it obeys nobody any more, and listens no longer', async (t) => {
  const { replica, listening } = await start(t)
  const [one, two] = [await replica(NO_POLL_MS), await replica(POLL_MS)]
  await listening(2)
  await two.stop()
  await listening(1)
  await one.force('open')
  assert.deepEqual(two.told, [])
})
