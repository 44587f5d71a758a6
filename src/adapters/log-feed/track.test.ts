import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_NOTE, readNote, writeNote } from './note.ts'
import { type Entry, openTrack, uncommitted } from './track.ts'
import { markOf, waitingIn } from './watching.ts'

const mark = (offset: number, before: string, more: { stream?: string; token?: number } = {}) => ({
  ...{ offset, mark: before, stream: 'e.s', token: 1 },
  ...more,
})

test('a mark is taken over when all before it is done, and not sooner', () => {
  const track = openTrack(0, 10, NO_NOTE)
  const entry = { track, offset: 10 } as Entry
  track.entries.set(10, entry)
  track.marks.push(mark(11, 'm1'))
  track.next = 12
  assert.equal(uncommitted(track), null)
  track.entries.delete(10)
  assert.deepEqual(uncommitted(track), {
    partition: 0,
    offset: 12,
    note: { ...NO_NOTE, mark: 'm1', stream: 'e.s', token: 1 },
  })
})

test('a mark of a relay that has been replaced is passed over', () => {
  const track = openTrack(0, 0, NO_NOTE)
  track.marks.push(mark(0, 'm5', { token: 7 }), mark(1, 'm9', { token: 6, stream: 'e.old' }))
  track.next = 2
  assert.deepEqual(uncommitted(track)?.note.mark, 'm5')
})

test('a mark that was under way for longer than the next one is passed over', () => {
  const track = openTrack(0, 0, NO_NOTE)
  track.marks.push(mark(0, 'm5'), mark(1, 'm4'))
  track.next = 2
  assert.deepEqual(uncommitted(track)?.note.mark, 'm5')
})

test('what is committed is not due again', () => {
  const track = openTrack(0, null, NO_NOTE)
  assert.equal(uncommitted(track), null)
  track.next = 4
  const due = uncommitted(track)
  assert.equal(due?.offset, 4)
  track.committed = { offset: 4, note: track.note }
  assert.equal(uncommitted(track), null)
})

test('a note that cannot be read says nothing', () => {
  const note = { mark: 'm', stream: 's', token: 3, tries: 2, until: 9 }
  assert.deepEqual(readNote(writeNote(note)), note)
  for (const text of ['', 'null', '{}', '{"mark":1}', 'x']) assert.deepEqual(readNote(text), NO_NOTE)
})

const bounds = [
  { partition: 0, first: 5, end: 20 },
  { partition: 1, first: 0, end: 3 },
]
const committed = (partition: number, offset: number | null, before: string | null, stream = 'e.s') => ({
  ...{ partition, offset, note: writeNote({ ...NO_NOTE, mark: before, stream }) },
})

test('the group’s mark is the oldest of its partitions’; none while one is missing, or of another stream', () => {
  const [zero, one] = [committed(0, 20, '2026-02'), committed(1, 3, '2026-01')]
  assert.deepEqual(markOf(bounds, [zero, one], 'e'), { before: '2026-01', stream: 'e.s' })
  assert.equal(markOf(bounds, [zero], 'e'), null)
  assert.equal(markOf(bounds, [zero, committed(1, 3, null)], 'e'), null)
  assert.equal(markOf(bounds, [zero, committed(1, 3, '2026-01', 'another')], 'e'), null)
  assert.equal(markOf([], [], 'e'), null)
  assert.equal(markOf(bounds, [zero, one], 'another'), null, 'it is another database’s')
})

test('what waits is what is there and not committed', () => {
  assert.equal(waitingIn(bounds, [committed(0, 18, null), committed(1, 3, null)]), 2)
  assert.equal(waitingIn(bounds, []), 18)
  assert.equal(waitingIn(bounds, [committed(0, 2, null), committed(1, null, null)]), 18)
})
