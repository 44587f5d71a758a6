import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Partition, readModelKeys } from '../../projections/keys.ts'
import { OtherIncarnationError } from '../../projections/user/store.ts'
import { type RebuildDeps, type RebuildProgress, rebuilder, unqueued } from './rebuild.ts'

const keys = readModelKeys('rebuild')
const DATA = { incarnations: { 0: 'i' } }

/** `users` people, ten a range, and what was done about them. */
function withUsers(users: number, differing: Partial<RebuildDeps> = {}) {
  const projected: number[] = []
  const built: string[] = []
  const deps: RebuildDeps = {
    redis: { refreshIncarnation: async () => 'i' },
    keys,
    truth: {
      countUsers: async () => users,
      userIds: async (_filter, after) =>
        Array.from({ length: Math.max(0, Math.min(10, users - after)) }, (_, i) => after + i + 1),
    },
    projector: {
      projectRoles: async () => undefined,
      projectUsers: async (userIds) => void projected.push(...userIds),
    },
    guard: {
      isAhead: async () => false,
      markBuilt: async (_partition: Partition, incarnation: string) => {
        built.push(incarnation)
        return true
      },
    },
    ...differing,
  }
  return { deps, projected, built }
}

/** A rejection that nobody handles would end a worker's process. */
function watchUnhandled(t: TestContext): unknown[] {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  t.after(() => process.off('unhandledRejection', onUnhandled))
  return unhandled
}
/** Long enough for Node to look for rejections that nobody handles, which it does each turn. */
const turns = async () => {
  for (let n = 0; n < 5; n += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('everybody is projected, progress only rises, and then it counts as built', async () => {
  const { deps, projected, built } = withUsers(57)
  const kept: RebuildProgress[] = []
  const result = await rebuilder(deps)(unqueued(DATA, { onProgress: (progress) => kept.push(progress) }))
  assert.deepEqual(result, { outcome: 'built', users: 57 })
  assert.deepEqual(
    projected,
    Array.from({ length: 57 }, (_, i) => i + 1),
  )
  assert.deepEqual(
    kept,
    kept.toSorted((a, b) => a.done - b.done),
  )
  assert.deepEqual(kept.at(-1), { after: 57, done: 57, total: 57 })
  assert.deepEqual(built, ['i'])
})

test('it goes on after what was kept, and keeps a range only when all before it are done', async () => {
  const { deps, projected } = withUsers(57)
  const kept: RebuildProgress[] = []
  const stop = new AbortController().signal
  const keep = async (progress: RebuildProgress) => {
    assert.ok(projected.length >= progress.after - 20, `${progress.after} are done`)
    kept.push(progress)
  }
  const result = await rebuilder(deps)({ data: DATA, progress: { after: 20, done: 20, total: 57 }, keep, stop })
  assert.deepEqual(result, { outcome: 'built', users: 57 })
  assert.equal(projected[0], 21)
})

test('told to stop, it ends after what has begun, and nothing counts as built', async () => {
  const { deps, projected, built } = withUsers(1_000)
  const stopping = new AbortController()
  const job = unqueued(DATA, { onProgress: ({ done }) => done >= 30 && stopping.abort(), stop: stopping.signal })
  await assert.rejects(rebuilder(deps)(job), { name: 'AbortError' })
  assert.ok(projected.length <= 60)
  assert.deepEqual(built, [])
})

test('under another incarnation nothing is begun', async () => {
  const { deps, projected } = withUsers(10, { redis: { refreshIncarnation: async () => 'another' } })
  assert.deepEqual(await rebuilder(deps)(unqueued(DATA)), { outcome: 'overtaken', users: 0 })
  assert.deepEqual(projected, [])
})

test('when Redis begins another incarnation meanwhile, it is overtaken, and nothing counts as built', async (t) => {
  const unhandled = watchUnhandled(t)
  const { deps, built } = withUsers(100, {
    projector: {
      projectRoles: async () => undefined,
      projectUsers: async ([first = 0]) => {
        if (first > 40) throw new OtherIncarnationError()
      },
    },
  })
  assert.deepEqual(await rebuilder(deps)(unqueued(DATA)), { outcome: 'overtaken', users: 0 })
  await turns()
  assert.deepEqual([built, unhandled], [[], []])
})

test('a partition in which Redis is ahead of the database does not count as built', async () => {
  const { deps, built } = withUsers(10)
  deps.guard.isAhead = async () => true
  assert.deepEqual(await rebuilder(deps)(unqueued(DATA)), { outcome: 'ahead', users: 10 })
  assert.deepEqual(built, [])
})

test('a scan that fails while a range is being projected fails the build, and not the process', async (t) => {
  const unhandled = watchUnhandled(t)
  let scans = 0
  const { deps } = withUsers(2)
  deps.projector.projectUsers = turns
  deps.truth.userIds = async () => {
    scans += 1
    if (scans === 2) throw new Error('the scan failed')
    return [1]
  }
  await assert.rejects(rebuilder(deps)(unqueued(DATA)), /the scan failed/)
  assert.deepEqual(unhandled, [])
})

test('a range that fails while the next is looked up fails the build, and not the process', async (t) => {
  const unhandled = watchUnhandled(t)
  const { deps } = withUsers(30)
  deps.projector.projectUsers = async () => Promise.reject(new Error('the range failed'))
  const { userIds } = deps.truth
  deps.truth.userIds = async (...args) => {
    await turns()
    return userIds(...args)
  }
  await assert.rejects(rebuilder(deps)(unqueued(DATA)), /the range failed/)
  assert.deepEqual(unhandled, [])
})
