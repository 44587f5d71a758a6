import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_NOTE } from './note.ts'
import { stuckWatch } from './stuck.ts'
import { openTrack } from './track.ts'

const LONG_MS = 30_000
const bounds = (...ends: number[]) => ends.map((end, partition) => ({ partition, first: 0, end }))

function open(partitions: number) {
  let now = 0
  const stuck: number[] = []
  const tracks = Array.from({ length: partitions }, (_, partition) => openTrack(partition, 0, NO_NOTE))
  const watch = stuckWatch(
    (partition) => tracks[partition],
    (partition) => stuck.push(partition),
    () => now,
  )
  const pass = (ms: number) => {
    now += ms
  }
  return { ...watch, tracks, stuck, pass }
}

test('a partition that hands nothing over for long, though there is something, is stuck', () => {
  const { look, stuck, pass } = open(1)
  look(bounds(5))
  pass(LONG_MS / 2)
  look(bounds(5))
  assert.deepEqual(stuck, [])
  pass(LONG_MS)
  look(bounds(5))
  assert.deepEqual(stuck, [0])
})

test('where there is nothing, or it is read, nothing is stuck', () => {
  const { look, stuck, pass, tracks } = open(1)
  for (let step = 1; step <= 5; step += 1) {
    look(bounds(step))
    pass(LONG_MS)
    if (tracks[0]) tracks[0].next = step
    look(bounds(step))
  }
  assert.deepEqual(stuck, [])
})

test('while anything is in hand the others wait, and are not stuck', async () => {
  const { look, stuck, pass, tracks, handing } = open(2)
  const { promise, resolve } = Promise.withResolvers<void>()
  const handed = handing(tracks[0] as never, promise)
  for (let step = 0; step < 5; step += 1) {
    look(bounds(5, 5))
    pass(LONG_MS)
  }
  resolve()
  await handed
  look(bounds(5, 5))
  assert.deepEqual(stuck, [])
  pass(LONG_MS)
  look(bounds(5, 5))
  assert.equal(stuck.length, 1)
})

test('what is another’s is nobody’s concern here', () => {
  const { look, stuck, pass } = open(0)
  look(bounds(5))
  pass(LONG_MS)
  look(bounds(5))
  assert.deepEqual(stuck, [])
})
