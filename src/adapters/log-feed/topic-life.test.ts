import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topicLife } from './topic-life.ts'

const EPOCH = 'e1'
const bounds = (...ends: number[]) => ends.map((end, partition) => ({ partition, first: 0, end }))

/** The life as a relay sees it that takes over, and the streams that it was told are new. */
function life(held: { stream: string; published: number }, ...ends: number[]) {
  const told: string[] = []
  return { ...topicLife({ ...held, epoch: EPOCH }, bounds(...ends), (stream) => told.push(stream)), told }
}

test('the first relay of all names a stream; the next goes on with it', () => {
  const first = life({ stream: '-', published: 0 }, 0, 0)
  assert.match(first.stream(), /^e1\.[0-9a-f-]{36}$/)
  const next = life({ stream: first.stream(), published: 0 }, 0, 0)
  assert.deepEqual([next.stream(), next.told], [first.stream(), []])
})

test('what was known under another epoch says nothing', () => {
  const { stream, told } = life({ stream: 'e0.s', published: 100 }, 0, 0)
  assert.match(stream(), /^e1\./)
  assert.deepEqual(told, [])
})

test('a topic that holds less than it was given is another', () => {
  const { stream, told, published } = life({ stream: 'e1.s', published: 10 }, 5, 4)
  assert.notEqual(stream(), 'e1.s')
  assert.deepEqual([told, published()], [[stream()], 9])
})

test('offsets that go back tell the same at once', () => {
  const { stream, told, appended, partitions } = life({ stream: 'e1.s', published: 9 }, 5, 4)
  appended([{ partition: 1, firstOffset: 4, count: 1 }])
  appended([{ partition: 1, firstOffset: 7, count: 1 }])
  assert.deepEqual([stream(), told], ['e1.s', []])
  appended([{ partition: 0, firstOffset: 0, count: 1 }])
  assert.deepEqual(told, [stream()])
  assert.deepEqual(partitions(), [
    { partition: 0, next: 1 },
    { partition: 1, next: 8 },
  ])
  appended([{ partition: 0, firstOffset: 1, count: 1 }])
  assert.equal(told.length, 1)
})

test('an end that is lost shows, however little of it is', () => {
  const { told, appended } = life({ stream: 'e1.s', published: 9 }, 5, 4)
  appended([{ partition: 1, firstOffset: 4, count: 30 }])
  appended([{ partition: 1, firstOffset: 33, count: 1 }])
  assert.equal(told.length, 1)
})

test('a look that was overtaken by an append is no sign of another topic', async () => {
  const { told, compare, appended, published } = life({ stream: 'e1.s', published: 9 }, 5, 4)
  await compare(async () => {
    appended([{ partition: 0, firstOffset: 5, count: 1 }])
    return bounds(5, 4)
  })
  assert.deepEqual([told, published()], [[], 10])
})

test('nor is an append that a look had seen before it was acknowledged', async () => {
  const { told, compare, appended, published, partitions } = life({ stream: 'e1.s', published: 9 }, 5, 4)
  await compare(async () => bounds(8, 4))
  appended([{ partition: 0, firstOffset: 5, count: 3 }])
  appended([{ partition: 0, firstOffset: 8, count: 1 }])
  assert.deepEqual([told, published(), partitions()[0]], [[], 13, { partition: 0, next: 9 }])
})

test('a look finds a topic that was made again, and partitions that were added', async () => {
  const { told, compare, partitions, published } = life({ stream: 'e1.s', published: 9 }, 5, 4)
  await compare(async () => bounds(5, 4, 0))
  assert.deepEqual([told, partitions().length], [[], 3])
  await compare(async () => bounds(1, 4, 0))
  assert.deepEqual([told.length, published()], [1, 5])
})
