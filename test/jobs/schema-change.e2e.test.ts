import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { jobQueues } from '../../src/adapters/bullmq/queues.ts'
import { jobsConnections } from '../../src/adapters/redis/jobs-connection.ts'
import { outboxMark, sqlChanges } from '../../src/adapters/sql/changes.ts'
import { directFeed } from '../../src/adapters/sql/direct-feed.ts'
import { isSqlError } from '../../src/adapters/sql/errors.ts'
import { sqlParked } from '../../src/adapters/sql/parked.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import { UNLIMITED } from '../../src/domain/authority.ts'
import { keepMarks } from '../../src/jobs/keep-projected/keep-marks.ts'
import { keepProjected } from '../../src/jobs/keep-projected/keep-projected.ts'
import {
  type RebuildData,
  type RebuildProgress,
  type RebuildResult,
  rebuilder,
} from '../../src/jobs/rebuild/rebuild.ts'
import { rebuildRequests } from '../../src/jobs/rebuild/requests.ts'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import type { TrueUser, Truth } from '../../src/ports.ts'
import { type Keys, keysOf, SCHEMA } from '../../src/projections/keys.ts'
import { readModels } from '../../src/projections/read-models.ts'
import type { ShownUser } from '../../src/projections/user/shown.ts'
import { visibleWrites } from '../../src/projections/visible-writes.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import {
  connectClient,
  connectRaw,
  openTruth,
  readModelsOf,
  redisOfFile,
  type TestTruth,
} from '../support/read-models.ts'
import { quiet, until } from '../support/service.ts'

const PEOPLE = 1_500
/** Of these the tests ask and write. */
const ASKED = 40
const SEED = 20_261_125
const LIMIT_MS = 60_000
const LEASE_MS = 2_000
const FORGOTTEN_S = 1_000
const OLD = String(SCHEMA)
const NEW = String(SCHEMA + 1)

const { server } = await redisOfFile()
let epochs = 0

type Stage = { t: Owner; db: TestTruth; raw: Redis; epoch: string }
async function stage(context: TestContext): Promise<Stage> {
  epochs += 1
  // What asks and writes ends before what it asks and writes.
  const t = lastFirst(context)
  return { t, db: await openTruth(t, PEOPLE), raw: connectRaw(t, server.url), epoch: `s${process.pid}x${epochs}` }
}

/** What the bodies of the new release have, and those of the old one have not. */
const SHAPE = 'new shape: '
const shaped = (found: TrueUser): TrueUser =>
  found.user ? { ...found, user: { ...found.user, jobTitle: `${SHAPE}${found.user.jobTitle}` } } : found
function shapedTruth(truth: Truth): Truth {
  return {
    ...truth,
    user: async (userId) => shaped(await truth.user(userId)),
    users: async (userIds) => (await truth.users(userIds)).map(shaped),
  }
}

type Release = Awaited<ReturnType<typeof startRelease>>
/** Processes of one release, all in one: API, worker and jobs, over its own schema. */
async function startRelease({ t, db, epoch }: Stage, tag: string) {
  const keys: Keys = keysOf(epoch, tag)
  const truth = tag === NEW ? shapedTruth(db.truth) : db.truth
  const client = await connectClient(t, server.url, keys)
  const models = readModelsOf({ client, keys, truth, incarnations: db.incarnations })
  const queues = jobQueues({ connections: jobsConnections(server.url, quiet), prefix: keys.jobs, log: quiet })
  const queue = queues.queue<RebuildData, RebuildProgress, RebuildResult>('rebuild', {
    attempts: 100,
    retryAfterMs: 20,
  })
  const rebuild = rebuilder({ redis: client, keys, truth, projector: models.projector, guard: models.guard })
  const builder = queue.work(rebuild, 1)
  const stopping = new AbortController()
  const requests = rebuildRequests({ queue, redis: client, rebuild, stop: stopping.signal, log: quiet })
  const changes = sqlChanges(db.database, { leaseMs: LEASE_MS })
  const keeper = keepProjected({
    feeds: [
      directFeed({
        ...{ changes, mark: outboxMark(changes, truth), truth, pollMs: 5, leaseMs: LEASE_MS, log: quiet },
        parked: sqlParked(db.database),
      }),
    ],
    marks: keepMarks({
      ...{
        redis: client,
        keys,
        guard: models.guard,
        log: quiet,
        longestTransactionMs: LEASE_MS,
        stop: stopping.signal,
      },
      askForReplay: async () => true,
    }),
    projector: models.projector,
    guard: models.guard,
    schemas: models.schemas,
    askForBuild: requests.ask,
    listener: { onProgress: () => undefined, onBuilt: () => undefined },
    redisReady: client.isReady,
    log: quiet,
  })
  const stores = visibleWrites({
    users: sqlUserStore(db.database),
    roles: { update: async () => Promise.reject(new Error('no roles here')) },
    readModels: { ...readModels({ ...models, redis: client, keys, truth: db.truth }), announce: keeper.wake },
    floor: models.floor,
    deadlineMs: 1_000,
  })
  let stopped = false
  const stop = async () => {
    if (stopped) return
    stopped = true
    stopping.abort()
    await Promise.all([keeper.stop(), builder.stop()])
    await queues.close()
    await client.close()
  }
  t.after(stop)
  const list = () =>
    models.lists.list({ branchId: null, role: null, status: null, q: null }, null, ASKED).catch(() => null)
  return { keys, tag, ...models, stores, list, stop, built: async () => (await list())?.from === 'redis' }
}

/** Asks and checks, until it is stopped: each answer has this release's shape, and is no older than what was known. */
function ask(release: Release, known: Map<number, number>) {
  const answers = { all: 0, fromRedis: 0, lists: 0, listsFromRedis: 0 }
  const check = ({ bodies, version, userId }: ShownUser, atLeast: number) => {
    assert.ok(version >= atLeast, `user ${userId} of schema ${release.tag}: ${version} after ${atLeast}`)
    for (const body of [bodies?.full, bodies?.bare]) {
      const { jobTitle } = JSON.parse(String(body)) as { jobTitle: string | null }
      const isNew = String(jobTitle).startsWith(SHAPE)
      assert.equal(isNew, release.tag === NEW, `a body of schema ${release.tag}: ${jobTitle}`)
    }
  }
  let stopped = false
  const asking = (async () => {
    const { below } = dice(mulberry32(SEED))
    while (!stopped) {
      const userId = 1 + below(ASKED)
      const atLeast = known.get(userId) ?? 0
      const user = await release.views.byId(userId)
      check(user, atLeast)
      answers.all += 1
      if (user.from === 'redis') answers.fromRedis += 1
      const before = new Map(known)
      const list = await release.list()
      for (const each of list?.users ?? []) check(each, before.get(each.userId) ?? 0)
      if (list) answers.lists += 1
      if (list?.from === 'redis') answers.listsFromRedis += 1
      await wait(1)
    }
  })()
  return {
    answers,
    stop: async () => {
      stopped = true
      await asking
    },
  }
}

/** Commands of one release, whose answers are known to everybody, and a program that knows of none of them. */
function write({ db }: Stage, release: () => Release, known: Map<number, number>) {
  let stopped = false
  let written = 0
  const writing = (async () => {
    const { below } = dice(mulberry32(SEED + 1))
    while (!stopped) {
      const userId = 1 + below(ASKED)
      const by = { name: 'test', requestId: 'r', address: '127.0.0.1', ...UNLIMITED }
      const { version } = await release().stores.users.update(userId, { expectedVersions: null, by }, () => [
        { type: 'details-changed', userId, changes: { jobTitle: `job ${written}` }, at: '2024-06-01T09:00:00.000Z' },
      ])
      known.set(userId, Math.max(version, known.get(userId) ?? 0))
      const other = 1 + below(PEOPLE)
      await unlessBusy(() => db.sql('UPDATE users SET email = ? WHERE user_id = ?', `e${written}@example.com`, other))
      written += 1
      await wait(2)
    }
  })()
  return {
    written: () => written,
    stop: async () => {
      stopped = true
      await writing
    },
  }
}

/** Until it goes through: a transaction of this very process cannot end while the other program's write waits for it. */
const unlessBusy = (run: () => void) =>
  until('the database is free', async () => {
    try {
      run()
      return true
    } catch (error) {
      if (isSqlError(error, 'busy')) return false
      throw error
    }
  })

/** Every copy says what the truth says. */
async function converged({ raw, db }: Stage, { keys, tag }: Release) {
  await until(
    `schema ${tag} says what the database says`,
    async () => {
      const truth = tag === NEW ? shapedTruth(db.truth) : db.truth
      for (let userId = 1; userId <= ASKED; userId += 1) {
        const { version, user } = await truth.user(userId)
        const [held, ...bodies] = await raw.hmget(keys.user(userId), 'v', 'b', 'p')
        // Only a fence: whoever asks next reads the truth.
        if (Number(held) !== version) return false
        for (const body of bodies) {
          if (body !== null && body !== undefined && JSON.parse(body).jobTitle !== user?.jobTitle) return false
        }
      }
      return true
    },
    LIMIT_MS,
  )
}

test(`two releases with different schemas on one Redis, under writes (seed ${SEED})`, {
  timeout: 180_000,
}, async (t) => {
  const on = await stage(t)
  const known = new Map<number, number>()
  const old = await startRelease(on, OLD)
  await until('the old one is built', old.built, LIMIT_MS)
  let commanding = old
  const writing = write(on, () => commanding, known)
  on.t.after(writing.stop)
  const asksOld = ask(old, known)
  on.t.after(asksOld.stop)
  await until('there are answers', async () => asksOld.answers.listsFromRedis > 20, LIMIT_MS)

  // Out it goes: beside the old one, which goes on.
  const beforeBuild = asksOld.answers.listsFromRedis
  const fresh = await startRelease(on, NEW)
  assert.equal((await fresh.list())?.from, 'database', 'lists of the new one are not built yet')
  const asksNew = ask(fresh, known)
  on.t.after(asksNew.stop)
  await until('the new one is built', fresh.built, LIMIT_MS)
  commanding = fresh
  await until('both answer', async () => asksNew.answers.listsFromRedis > 50, LIMIT_MS)
  assert.ok(asksOld.answers.listsFromRedis > beforeBuild, 'lists of the old one went on')
  assert.ok(asksNew.answers.fromRedis > 0 && asksOld.answers.fromRedis > 0)

  await asksOld.stop()
  await asksNew.stop()
  await writing.stop()
  t.diagnostic(
    `${writing.written()} commands; old ${JSON.stringify(asksOld.answers)}; new ${JSON.stringify(asksNew.answers)}`,
  )
  await converged(on, old)
  await converged(on, fresh)
})

test('the old one is removed when nobody uses it any more, its jobs too, and serves nothing when it comes back', async (t) => {
  const on = await stage(t)
  const known = new Map<number, number>()
  const old = await startRelease(on, OLD)
  await until('the old one is built', old.built, LIMIT_MS)
  const fresh = await startRelease(on, NEW)
  await until('the new one is built', fresh.built, LIMIT_MS)
  const keysOfOld = async () =>
    (await on.raw.keys(`*${on.epoch}*`)).filter((key) => key.includes(`}:${on.epoch}.${OLD}:`))
  assert.ok((await keysOfOld()).some((key) => key.startsWith('{usrjobs}')))
  await fresh.schemas.retire()
  assert.equal(await old.built(), true, 'what is in use is kept')
  await old.stop()
  const [now] = await on.raw.time()
  await on.raw.hset(fresh.keys.schemas, OLD, Number(now) - FORGOTTEN_S)
  await fresh.schemas.retire()
  // The new one's worker looks, too: when it came first, it is at it.
  await until('nothing of the old one is left', async () => (await keysOfOld()).length === 0, LIMIT_MS)
  assert.equal(await fresh.built(), true)

  const writing = write(on, () => fresh, known)
  on.t.after(writing.stop)
  await until('much has changed', async () => writing.written() > 100, LIMIT_MS)
  const again = await startRelease(on, OLD)
  const asks = ask(again, known)
  on.t.after(asks.stop)
  await until('it is built anew', again.built, LIMIT_MS)
  await until('it answers', async () => asks.answers.listsFromRedis > 20, LIMIT_MS)
  await asks.stop()
  await writing.stop()
  await converged(on, again)
  await converged(on, fresh)
})

test('one that was away, but not yet removed, has been fenced meanwhile', async (t) => {
  const on = await stage(t)
  const known = new Map<number, number>()
  const old = await startRelease(on, OLD)
  await until('the old one is built', old.built, LIMIT_MS)
  const fresh = await startRelease(on, NEW)
  await until('the new one is built', fresh.built, LIMIT_MS)
  await old.stop()
  const writing = write(on, () => fresh, known)
  on.t.after(writing.stop)
  await until('much has changed', async () => writing.written() > 100, LIMIT_MS)
  const again = await startRelease(on, OLD)
  const asks = ask(again, known)
  on.t.after(asks.stop)
  await until('it answers', async () => asks.answers.all > 100 && asks.answers.fromRedis > 10, LIMIT_MS)
  await asks.stop()
  await writing.stop()
  await converged(on, again)
})
