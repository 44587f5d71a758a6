import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quiet, until } from '../../../test/support/service.ts'
import type { JobState } from '../../ports/jobs.ts'
import { MAX_REPLAY_IDS, type ReplayData, type ReplayProgress, type ReplayResult } from './replay.ts'
import { type ReplayQueue, replayRequests } from './requests.ts'

const DATA: ReplayData = { userIds: [1] }
const RESULT: ReplayResult = { users: 1, failed: 0, failedIds: [], rolesFailed: false }
type State = JobState<ReplayProgress, ReplayResult>

/** A queue whose jobs end when the test says so, for several processes. */
function fakeQueue() {
  const states = new Map<string, State>()
  const keys = new Map<string, string>()
  const added: string[] = []
  const of = { away: false }
  const present = () => {
    if (of.away) throw new Error('out of reach')
  }
  const queue: Pick<ReplayQueue, 'add' | 'find'> = {
    async add(key) {
      present()
      const known = keys.get(key)
      const state = known === undefined ? undefined : states.get(known)?.state
      if (known !== undefined && (state === 'waiting' || state === 'running')) return known
      const id = String(added.push(key))
      keys.set(key, id)
      states.set(id, { state: 'waiting', progress: null })
      return id
    },
    async find(id) {
      present()
      return states.get(id) ?? null
    },
  }
  return { queue, of, added, set: (id: string, state: State) => states.set(id, state), lose: () => states.clear() }
}

function open(fake: ReturnType<typeof fakeQueue>, replay = async () => RESULT) {
  const { ask } = replayRequests({ queue: fake.queue, replay, stop: new AbortController().signal, log: quiet })
  return (key = 'k', data = DATA) => ask(key, data)
}

test('however often and by whom it is asked there is one job; true comes when it is done, and stays', async () => {
  const fake = fakeQueue()
  const [one, other] = [open(fake), open(fake)]
  for (const ask of [one, other, one, one]) assert.equal(await ask(), false)
  fake.set('1', { state: 'running', progress: null })
  assert.equal(await one(), false)
  assert.deepEqual(fake.added, ['k'])
  fake.set('1', { state: 'done', result: RESULT })
  assert.deepEqual([await one(), await other(), await one()], [true, true, true])
  fake.lose()
  assert.equal(await one(), true)
  assert.deepEqual(fake.added, ['k'])
  assert.equal(await one('another'), false)
  assert.deepEqual(fake.added, ['k', 'another'])
})

test('who asks only now is not content with what was done before', async () => {
  const fake = fakeQueue()
  await open(fake)()
  fake.set('1', { state: 'done', result: RESULT })
  const late = open(fake)
  assert.equal(await late(), false)
  assert.deepEqual(fake.added, ['k', 'k'])
})

test('a job that has failed, or is lost, is asked for again', async () => {
  const fake = fakeQueue()
  const ask = open(fake)
  await ask()
  fake.set('1', { state: 'failed', reason: 'planted' })
  assert.equal(await ask(), false)
  fake.lose()
  assert.equal(await ask(), false)
  fake.set('3', { state: 'done', result: RESULT })
  assert.equal(await ask(), true)
  assert.equal(fake.added.length, 3)
})

test('without the queue it is done here, once, and again when it fails', async () => {
  const fake = fakeQueue()
  fake.of.away = true
  const results = [Promise.withResolvers<ReplayResult>(), Promise.withResolvers<ReplayResult>()]
  let begun = 0
  const ask = open(fake, () => {
    begun += 1
    return results[begun - 1]?.promise ?? assert.fail('begun too often')
  })
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [false, false, false])
  assert.equal(await ask(), false)
  assert.equal(begun, 1)
  results[0]?.reject(new Error('planted'))
  await until('it has begun again', async () => {
    assert.equal(await ask(), false)
    return begun === 2
  })
  results[1]?.resolve(RESULT)
  await until('it is done', ask)
  assert.equal(begun, 2)
})

test('when the queue goes away meanwhile it is done here', async () => {
  const fake = fakeQueue()
  const ask = open(fake)
  assert.equal(await ask(), false)
  fake.of.away = true
  assert.equal(await ask(), false)
  await until('it is done', ask)
})

test('so many keys are remembered; what is asked for is bounded', async () => {
  const fake = fakeQueue()
  const ask = open(fake)
  for (let n = 0; n <= 1_000; n += 1) await ask(`k${n}`)
  await ask('k1000')
  await ask('k1')
  assert.equal(fake.added.length, 1_001)
  fake.set('1', { state: 'done', result: RESULT })
  // The one that was asked for first is forgotten.
  assert.equal(await ask('k0'), false)
  assert.equal(fake.added.length, 1_002)
  await assert.rejects(
    ask('many', { userIds: Array.from({ length: MAX_REPLAY_IDS + 1 }, (_, i) => i + 1) }),
    RangeError,
  )
})
