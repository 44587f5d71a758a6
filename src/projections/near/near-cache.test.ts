import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_UNPROVED_MS } from '../../ports/invalidations.ts'
import { LEAST_ENTRY_BYTES, MAX_AGE_MS, nearCache } from './near-cache.ts'

type Value = { version: number; bytes?: number }
const MAX_BYTES = 10 * LEAST_ENTRY_BYTES

/** A cache by a clock that stands still, up, and proved just now. */
function start({ up = true } = {}) {
  let nowMs = 1_000
  let provedAtMs = nowMs
  const cache = nearCache<number, Value>({
    maxBytes: MAX_BYTES,
    bytesOf: ({ bytes = LEAST_ENTRY_BYTES }) => bytes,
    provedAtMs: () => provedAtMs,
    now: () => nowMs,
  })
  if (up) cache.up()
  return {
    cache,
    read: (key: number, version: number) => cache.keep(cache.begin(key), { version }),
    /** Time goes by, and beats come back. */
    pass(ms: number, { proved = true } = {}) {
      nowMs += ms
      if (proved) provedAtMs = nowMs
    },
  }
}

test('what was read is kept, until its key is told of', () => {
  const { cache, read } = start()
  assert.equal(cache.get(1), undefined)
  assert.ok(read(1, 5))
  assert.ok(read(2, 6))
  assert.deepEqual([cache.get(1), cache.get(2)], [{ version: 5 }, { version: 6 }])
  cache.invalidate(1)
  assert.deepEqual([cache.get(1), cache.get(2)], [undefined, { version: 6 }])
})

test('what was told of between the beginning of a read and its answer is not kept', () => {
  const { cache } = start()
  const placeholder = cache.begin(1)
  const other = cache.begin(2)
  cache.invalidate(1)
  assert.equal(cache.keep(placeholder, { version: 5 }), false)
  assert.equal(cache.get(1), undefined)
  assert.ok(cache.keep(other, { version: 5 }), 'another key’s reader is not touched')
})

test('readers of one key share a placeholder; the first to answer is kept, and those after change nothing', () => {
  const { cache } = start()
  const [first, second] = [cache.begin(1), cache.begin(1)]
  assert.equal(first, second)
  assert.ok(cache.keep(second, { version: 6 }))
  assert.equal(cache.keep(first, { version: 5 }), false)
  assert.deepEqual(cache.get(1), { version: 6 })
})

test('a reader who is shown something newer, which is not kept, takes what is older away', () => {
  const { cache, read } = start()
  assert.ok(read(1, 5))
  cache.outdate(1, 5)
  assert.deepEqual(cache.get(1), { version: 5 }, 'as new')
  cache.outdate(1, 6)
  assert.equal(cache.get(1), undefined)
  const placeholder = cache.begin(1)
  cache.outdate(1, 6)
  assert.equal(cache.keep(placeholder, { version: 5 }), false, 'what is on its way may be older')
})

test('a reader who begins after the change does not save one who began before it', () => {
  const { cache } = start()
  const before = cache.begin(1)
  cache.invalidate(1)
  const after = cache.begin(1)
  assert.equal(cache.keep(before, { version: 5 }), false)
  assert.ok(cache.keep(after, { version: 6 }))
  assert.deepEqual(cache.get(1), { version: 6 })
})

test('a read that came to nothing leaves nothing behind', () => {
  const { cache } = start()
  const placeholder = cache.begin(1)
  assert.equal(cache.size().placeholders, 1)
  assert.equal(cache.keep(placeholder, null), false)
  assert.deepEqual(cache.size(), { entries: 0, bytes: 0, placeholders: 0 })
  assert.equal(cache.keep(placeholder, { version: 5 }), false, 'and its placeholder is of no more use')
})

test('an older version never takes the place of a newer one', () => {
  const { cache, read } = start()
  read(1, 6)
  assert.equal(read(1, 5), false)
  assert.deepEqual(cache.get(1), { version: 6 })
  assert.ok(read(1, 6))
})

test('nothing is kept, or begun, before it is up', () => {
  const { cache, read } = start({ up: false })
  assert.equal(cache.begin(1), null)
  assert.equal(read(1, 5), false)
  cache.up()
  assert.equal(cache.get(1), undefined)
  assert.ok(read(1, 5))
})

test('down: empty at once, and empty when it is up again', () => {
  const { cache, read } = start()
  read(1, 5)
  cache.down()
  assert.equal(cache.get(1), undefined)
  cache.up()
  assert.equal(cache.get(1), undefined)
  assert.deepEqual(cache.size(), { entries: 0, bytes: 0, placeholders: 0 })
})

test('what was begun before an interruption is not kept after it', () => {
  const { cache } = start()
  const placeholder = cache.begin(1)
  cache.down()
  cache.up()
  assert.equal(cache.keep(placeholder, { version: 5 }), false)
  assert.equal(cache.get(1), undefined)
})

test('everything may have changed: entries go, reads under way are not kept, later ones are', () => {
  const { cache, read } = start()
  read(1, 5)
  const placeholder = cache.begin(2)
  cache.clear()
  assert.equal(cache.get(1), undefined)
  assert.equal(cache.keep(placeholder, { version: 5 }), false)
  assert.ok(read(2, 5))
})

test('nothing is served while the last proof is too old, and all of it again when there is a new one', () => {
  const { cache, read, pass } = start()
  read(1, 5)
  pass(MAX_UNPROVED_MS, { proved: false })
  assert.deepEqual(cache.get(1), { version: 5 })
  pass(1, { proved: false })
  assert.equal(cache.get(1), undefined)
  pass(0)
  assert.deepEqual(cache.get(1), { version: 5 })
})

test('an entry goes at its age, counted from the beginning of the read', () => {
  const { cache, pass } = start()
  const placeholder = cache.begin(1)
  pass(1_000)
  cache.keep(placeholder, { version: 5 })
  pass(MAX_AGE_MS - 1_000)
  assert.deepEqual(cache.get(1), { version: 5 })
  pass(1)
  assert.equal(cache.get(1), undefined)
  assert.equal(cache.size().entries, 0)
})

test('an old reader whose placeholder was left standing does not make a later one’s answer look younger', () => {
  const { cache, pass } = start()
  cache.begin(1)
  pass(MAX_AGE_MS + 1)
  assert.ok(cache.keep(cache.begin(1), { version: 5 }))
  assert.equal(cache.get(1), undefined)
  assert.ok(cache.keep(cache.begin(1), { version: 5 }))
  assert.deepEqual(cache.get(1), { version: 5 })
})

test('bytes are bounded, the least recently used goes first, and a small entry counts as more than it is', () => {
  const { cache, read } = start()
  for (let key = 1; key <= 10; key += 1) read(key, 1)
  assert.deepEqual(cache.size(), { entries: 10, bytes: MAX_BYTES, placeholders: 0 })
  cache.get(1)
  cache.keep(cache.begin(11), { version: 1, bytes: 1 })
  assert.deepEqual([cache.get(1)?.version, cache.get(2), cache.get(11)?.version], [1, undefined, 1])
  cache.keep(cache.begin(12), { version: 1, bytes: 5 * LEAST_ENTRY_BYTES })
  assert.deepEqual(cache.size(), { entries: 6, bytes: MAX_BYTES, placeholders: 0 })
})

test('what is larger than the whole cache is not kept, nor what it would have replaced', () => {
  const { cache, read } = start()
  read(1, 1)
  assert.equal(cache.keep(cache.begin(1), { version: 2, bytes: MAX_BYTES + 1 }), false)
  assert.equal(cache.get(1), undefined)
})

test('more readers at a time than there are placeholders for are answered, and not kept', () => {
  const { cache, read } = start()
  for (let key = 1; key <= 10_000; key += 1) cache.begin(key)
  assert.equal(cache.begin(10_001), null)
  assert.equal(read(10_001, 1), false)
  assert.notEqual(cache.begin(10_000), null, 'those who share one need no other')
  assert.ok(read(1, 1))
  assert.ok(read(10_001, 1))
})

test('a cache too small for a single entry is a mistake', () => {
  const options = { bytesOf: () => 1, provedAtMs: () => 0 }
  assert.throws(() => nearCache<number, Value>({ ...options, maxBytes: LEAST_ENTRY_BYTES - 1 }), RangeError)
})
