import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from '../sql/claiming.ts'
import { inbox } from './inbox.ts'
import { NO_NOTE, type Note } from './note.ts'
import { type Entry, openTrack, positionOf, type Track, uncommitted } from './track.ts'

type Message = { offset: number; userId?: number; changeId?: number; rowRemains?: boolean; takeovers?: number }

/** Partitions with these messages in hand. */
function open(partitions: Message[][], { note = NO_NOTE }: { note?: Note } = {}) {
  let now = 1_000
  const commits: { partition: number; offset: number; note: Note }[][] = []
  const deleted: number[][] = []
  const parked: number[] = []
  const settled: string[] = []
  const box = inbox({
    commit: async (offsets) => void commits.push(offsets),
    onProgress: () => undefined,
    deleteRows: async (changeIds) => void deleted.push(changeIds),
    parkAnew: async ({ change }) => void parked.push(change.changeId),
    clock: () => now,
  })
  const tracks = partitions.map((messages, partition) => {
    const track = openTrack(partition, 0, note)
    for (const message of messages) enter(track, message, settled)
    return track
  })
  box.assign(tracks)
  const pass = (ms: number) => {
    now += ms
  }
  return { ...box, tracks, commits, deleted, parked, settled, pass }
}

function enter(track: Track, message: Message, settled: string[] = []): void {
  const { offset, userId = offset, changeId = offset, rowRemains = false, takeovers = 0 } = message
  const change = { changeId, entity: 'user' as const, entityId: String(userId), changedAt: '' }
  const entry: Entry = {
    ...{ track, offset, change, rowRemains, attempts: 0, takeovers, freeAtMs: 0, state: 'fresh' },
    settled: () => void settled.push(`${track.partition}:${offset}`),
  }
  track.entries.set(offset, entry)
  track.next = offset + 1
}

const range = (from: number, to: number): Message[] =>
  Array.from({ length: to - from }, (_, index) => ({ offset: from + index }))
const idsOf = (claim: Claim) => claim.changes.map(({ changeId }) => changeId)
async function claimed({ source }: Pick<ReturnType<typeof open>, 'source'>): Promise<Claim> {
  const claim = await source.claim()
  assert.ok(typeof claim !== 'string', `${claim}`)
  return claim
}

test('a claim takes 500 people, and all changes of each of them; what is done moves the position', async () => {
  const rig = open([range(0, 1_203).map(({ offset }) => ({ offset, userId: offset % 600 }))])
  const claim = await claimed(rig)
  assert.equal(claim.changes.length, 500)
  assert.equal(claim.more, true)
  await rig.source.forget(claim.claim, idsOf(claim))
  assert.equal(positionOf(rig.tracks[0] as Track), 500)
  const next = await claimed(rig)
  assert.equal(new Set(next.changes.map(({ entityId }) => entityId)).size, 500)
  assert.equal(next.changes.length, 500)
})

test('500 changes of one person are one claim', async () => {
  const rig = open([range(0, 500).map(({ offset }) => ({ offset, userId: 7 }))])
  const claim = await claimed(rig)
  assert.deepEqual([claim.changes.length, claim.more], [500, false])
  assert.equal(await rig.source.claim(), 'none')
})

test('partitions take turns', async () => {
  const rig = open([range(0, 700), range(1_000, 1_010)])
  assert.equal((await claimed(rig)).changes.length, 500)
  const second = await claimed(rig)
  assert.ok(idsOf(second).includes(1_000))
})

test('what is not done holds the position, and what comes after it is committed with it only', async () => {
  const rig = open([range(0, 4)])
  const claim = await claimed(rig)
  await rig.source.release(claim.claim, [1], { attempts: 1, afterMs: 100 })
  await rig.source.forget(claim.claim, [0, 2, 3])
  const track = rig.tracks[0] as Track
  assert.equal(positionOf(track), 1)
  assert.equal(uncommitted(track)?.offset, 1)
  assert.equal(await rig.source.claim(), 'none', 'it is not due')
  rig.pass(100)
  const again = await claimed(rig)
  assert.deepEqual([idsOf(again), again.changes[0]?.attempts], [[1], 1])
  await rig.source.forget(again.claim, [1])
  assert.equal(positionOf(track), 4)
})

test('given back without blame it is fresh, and whoever handed it over goes on waiting', async () => {
  const rig = open([range(0, 2)])
  const claim = await claimed(rig)
  await rig.source.release(claim.claim, [0, 1], { attempts: 0, afterMs: 0 })
  assert.deepEqual(rig.settled, [])
  assert.deepEqual(idsOf(await claimed(rig)), [0, 1])
})

test('the fresh go first and then the tried, in turns, and the tried in small groups', async () => {
  const rig = open([range(0, 200)])
  const first = await claimed(rig)
  await rig.source.release(first.claim, idsOf(first).slice(0, 100), { attempts: 1, afterMs: 10 })
  await rig.source.release(first.claim, idsOf(first).slice(100), { attempts: 0, afterMs: 0 })
  rig.pass(10)
  const second = await claimed(rig)
  assert.deepEqual([second.changes.length, second.changes[0]?.attempts], [60, 1])
  const third = await claimed(rig)
  assert.deepEqual([third.changes.length, third.changes[0]?.attempts], [100, 0])
})

test('the same change twice is one, and both are done by it', async () => {
  const rig = open([
    [
      { offset: 0, changeId: 5, userId: 1 },
      { offset: 1, changeId: 5, userId: 1 },
    ],
  ])
  const claim = await claimed(rig)
  assert.deepEqual(idsOf(claim), [5])
  await rig.source.forget(claim.claim, [5])
  assert.equal(positionOf(rig.tracks[0] as Track), 2)
})

test('rows that remain are deleted before anything counts as done', async () => {
  const rig = open([[{ offset: 0, rowRemains: true }, { offset: 1 }]])
  const claim = await claimed(rig)
  await rig.source.forget(claim.claim, [0, 1])
  assert.deepEqual(rig.deleted, [[0]])
})

test('a partition that is another’s now: what was in hand counts as lost, and nobody waits for it', async () => {
  const rig = open([range(0, 3)])
  const claim = await claimed(rig)
  rig.assign([openTrack(0, 0, NO_NOTE)])
  assert.deepEqual(rig.settled, ['0:0', '0:1', '0:2'])
  assert.equal(await rig.source.forget(claim.claim, [0, 1, 2]), 3)
  assert.equal(await rig.park({ claim: '', change: claim.changes[0] as never, error: '', attempts: 6 }), false)
  assert.deepEqual(rig.parked, [])
})

test('parked, it is done', async () => {
  const rig = open([range(0, 1)])
  const claim = await claimed(rig)
  assert.equal(await rig.park({ claim: '', change: claim.changes[0] as never, error: 'E', attempts: 6 }), true)
  assert.deepEqual([rig.parked, positionOf(rig.tracks[0] as Track)], [[0], 1])
})

test('before the first is begun with, that is written down; when all of it is done, it is taken back', async () => {
  const rig = open([range(0, 3)])
  const claim = await claimed(rig)
  assert.deepEqual(rig.commits, [[{ partition: 0, offset: 0, note: { ...NO_NOTE, tries: 1, until: 3 } }]])
  await rig.source.forget(claim.claim, [0, 1])
  assert.equal(uncommitted(rig.tracks[0] as Track)?.note.tries, 1)
  await rig.source.forget(claim.claim, [2])
  assert.deepEqual(uncommitted(rig.tracks[0] as Track)?.note, { ...NO_NOTE })
  enter(rig.tracks[0] as Track, { offset: 3 })
  await claimed(rig)
  assert.equal(rig.commits.length, 1, 'once an assignment')
})

test('what others have died of is taken in small groups, in the end alone', async () => {
  for (const [tries, size] of [
    [0, 200],
    [1, 60],
    [2, 8],
    [3, 1],
    [9, 1],
  ] as const) {
    const rig = open([range(0, 200).map((message) => ({ ...message, takeovers: tries }))])
    const { changes } = await claimed(rig)
    assert.deepEqual([changes.length, changes[0]?.takeovers], [size, tries])
  }
})
