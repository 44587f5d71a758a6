import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quiet } from '../../../test/support/service.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Change } from '../../ports.ts'
import {
  MAX_FAILED_IDS,
  type ReplayData,
  type ReplayDeps,
  type ReplayJob,
  type ReplayProgress,
  replayer,
} from './replay.ts'

const SINCE = '2024-05-01 10:00:00.000'
const BY_TIME: ReplayData = { since: SINCE, until: null }
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const FINE = { failed: 0, failedIds: [], rolesFailed: false }

/** `changed` people, and what was done about them. Whoever is faulty fails whatever batch they are in. */
function withChanged(changed: number, faulty: (number | '*')[] = [], differing: Partial<ReplayDeps['projector']> = {}) {
  const batches: Change[][] = []
  const projected: string[] = []
  const givenUp: string[] = []
  const asked: unknown[][] = []
  const deps: ReplayDeps = {
    truth: {
      countUsers: async () => 9_999,
      usersChangedSince: async (since, after, limit, until) => {
        asked.push([since, after, limit, until])
        return numbers(after + 1, Math.min(changed, after + limit))
      },
    },
    projector: {
      async handle(changes) {
        batches.push(changes)
        if (changes.some(({ entityId }) => faulty.map(String).includes(entityId))) throw new TypeError('planted')
        projected.push(...changes.map(({ entityId }) => entityId))
      },
      isOutage: (error) => (error as Error).message === 'outage',
      othersGoThrough: async () => true,
      giveUp: async ({ entityId }) => void givenUp.push(entityId),
      ...differing,
    },
    log: quiet,
  }
  const ids = () => projected.filter((id) => id !== '*').map(Number)
  return { deps, batches, projected, ids, givenUp, asked }
}

function job(data: ReplayData, more: Partial<ReplayJob> = {}) {
  const kept: ReplayProgress[] = []
  const keep = async (progress: ReplayProgress) => void kept.push(progress)
  return { kept, data, progress: null, keep, stop: new AbortController().signal, ...more }
}

test('whoever changed within the time is handed on page by page, after the roles', async () => {
  const { deps, batches, ids, asked } = withChanged(1_201)
  const replay = job({ since: SINCE, until: '2024-05-01 11:00:00.000' })
  assert.deepEqual(await replayer(deps)(replay), { users: 1_201, ...FINE })
  assert.deepEqual(
    batches.map((batch) => [batch[0]?.entity, batch.length]),
    [
      ['role', 1],
      ['user', 500],
      ['user', 500],
      ['user', 201],
    ],
  )
  assert.deepEqual(batches[0], [{ changeId: 0, entity: 'role', entityId: '*', changedAt: '' }])
  assert.deepEqual(ids(), numbers(1, 1_201))
  assert.deepEqual(asked[1], [SINCE, 500, 500, '2024-05-01 11:00:00.000'])
  assert.deepEqual(
    replay.kept.map(({ after, done, total }) => [after, done, total]),
    [
      [0, 0, 9_999],
      [500, 500, 9_999],
      [1_000, 1_000, 9_999],
      [1_201, 1_201, 1_201],
    ],
  )
})

test('named users are handed on in order, each once, and no roles', async () => {
  const { deps, ids, projected, asked } = withChanged(0)
  const replay = job({ userIds: [...numbers(2, 600), 1, 1, 2] })
  assert.deepEqual(await replayer(deps)(replay), { users: 600, ...FINE })
  assert.deepEqual(ids(), numbers(1, 600))
  assert.deepEqual([projected.includes('*'), asked], [false, []])
  assert.equal(replay.kept[0]?.total, 600)
})

test('nobody changed: nothing is done but the roles', async () => {
  const { deps, projected } = withChanged(0)
  assert.deepEqual(await replayer(deps)(job(BY_TIME)), { users: 0, ...FINE })
  assert.deepEqual(projected, ['*'])
})

test('it goes on after what was kept, with those who had failed', async () => {
  const { deps, ids, projected } = withChanged(700, [650])
  const progress = { after: 500, done: 500, total: 700, failed: 1, failedIds: [7], rolesFailed: true }
  const result = await replayer(deps)(job(BY_TIME, { progress }))
  assert.deepEqual(result, { users: 698, failed: 2, failedIds: [7, 650], rolesFailed: true })
  assert.deepEqual([ids()[0], projected.includes('*')], [501, false])
})

test('the faulty are found among the others, fenced, counted, and hold up nobody', async () => {
  const { deps, batches, ids, givenUp } = withChanged(700, [3, 4, 499, 650])
  const result = await replayer(deps)(job(BY_TIME))
  assert.deepEqual(result, { users: 696, failed: 4, failedIds: [3, 4, 499, 650], rolesFailed: false })
  assert.deepEqual(givenUp, ['3', '4', '499', '650'])
  assert.deepEqual(
    ids(),
    numbers(1, 700).filter((id) => ![3, 4, 499, 650].includes(id)),
  )
  // By halves, not one by one.
  assert.ok(batches.length < 80, String(batches.length))
})

test('of many faulty users so many are named', async () => {
  const { deps } = withChanged(MAX_FAILED_IDS + 20, numbers(1, MAX_FAILED_IDS + 20))
  const { users, failed, failedIds } = await replayer(deps)(job(BY_TIME))
  assert.deepEqual([users, failed, failedIds], [0, MAX_FAILED_IDS + 20, numbers(1, MAX_FAILED_IDS)])
})

test('roles that cannot be projected are fenced and said, and the users go on', async () => {
  const { deps, ids, givenUp } = withChanged(3, ['*'])
  assert.deepEqual(await replayer(deps)(job(BY_TIME)), { ...FINE, users: 3, rolesFailed: true })
  assert.deepEqual([ids(), givenUp], [[1, 2, 3], ['*']])
})

for (const [what, error] of [
  ['Redis', new Error('outage')],
  ['the database', new DomainError('database-unavailable', 'gone')],
  ['a lock', new DomainError('busy', 'locked')],
] as const) {
  test(`while ${what} is in the way nobody is blamed: it is broken off, and what is done stays kept`, async () => {
    const { deps, givenUp } = withChanged(700)
    const { handle } = deps.projector
    let calls = 0
    deps.projector.handle = async (changes) => {
      if (changes.some(({ entityId }) => entityId === '501')) {
        calls += 1
        throw error
      }
      await handle(changes)
    }
    const replay = job(BY_TIME)
    await assert.rejects(replayer(deps)(replay), error)
    assert.deepEqual([calls, givenUp, replay.kept.at(-1)?.after], [1, [], 500])
  })
}

test('while nobody else goes through either nobody is blamed', async () => {
  const { deps, givenUp } = withChanged(10, numbers(1, 10), { othersGoThrough: async () => false })
  await assert.rejects(replayer(deps)(job(BY_TIME)), /planted/)
  assert.deepEqual(givenUp, [])
})

test('who cannot be fenced does not count as done', async () => {
  const { deps } = withChanged(10, [3], { giveUp: async () => Promise.reject(new Error('not fenced')) })
  const replay = job(BY_TIME)
  await assert.rejects(replayer(deps)(replay), /not fenced/)
  assert.equal(replay.kept.at(-1)?.after, 0)
})

test('told to stop, it ends after the page that it is at', async () => {
  const { deps, ids } = withChanged(5_000)
  const stopping = new AbortController()
  const kept: ReplayProgress[] = []
  const keep = async (progress: ReplayProgress) => {
    kept.push(progress)
    if (progress.after === 1_000) stopping.abort()
  }
  await assert.rejects(replayer(deps)(job(BY_TIME, { keep, stop: stopping.signal })), { name: 'AbortError' })
  assert.deepEqual([ids().length, kept.at(-1)?.done], [1_000, 1_000])
})
