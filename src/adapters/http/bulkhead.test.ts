import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bulkhead, Full } from './bulkhead.ts'

const { signal } = new AbortController()
const LONG = { longestWaitMs: 60_000 }

/** Calls that end when they are told to, in the order in which they have begun. */
function calls(places: ReturnType<typeof bulkhead>) {
  const begun: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const call = (number: number, own = signal) =>
    places.run(own, async () => {
      begun.push(number)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      ends.push((error) => (error ? reject(error) : resolve()))
      await promise
      return number
    })
  const end = async (error?: Error) => {
    ends.shift()?.(error)
    await new Promise(setImmediate)
  }
  return { begun, call, end }
}

describe('a bulkhead', () => {
  test('lets so many in at once; the others wait their turn', async () => {
    const places = bulkhead({ ...LONG, concurrent: 2, waiting: 9 })
    const { begun, call, end } = calls(places)
    const all = [1, 2, 3, 4].map((number) => call(number))
    assert.deepEqual(begun, [])
    await new Promise(setImmediate)
    assert.deepEqual([begun, places.running(), places.waiting()], [[1, 2], 2, 2])
    await end()
    assert.deepEqual([begun, places.running(), places.waiting()], [[1, 2, 3], 2, 1])
    for (const _ of [2, 3, 4]) await end()
    assert.deepEqual(await Promise.all(all), [1, 2, 3, 4])
    assert.deepEqual([places.running(), places.waiting()], [0, 0])
  })

  test('refuses what is more than may wait', async () => {
    const { call, end } = calls(bulkhead({ ...LONG, concurrent: 1, waiting: 1 }))
    const [one, two] = [call(1), call(2)]
    await assert.rejects(call(3), Full)
    await end()
    await end()
    assert.deepEqual(await Promise.all([one, two]), [1, 2])
  })

  test('a call that fails gives its place to the next', async () => {
    const { call, end } = calls(bulkhead({ ...LONG, concurrent: 1, waiting: 1 }))
    const failing = assert.rejects(call(1), /its own/)
    const next = call(2)
    await new Promise(setImmediate)
    await end(new Error('its own'))
    await failing
    await end()
    assert.equal(await next, 2)
  })

  test('who leaves the queue is not called, and makes room in it', async () => {
    const { begun, call, end } = calls(bulkhead({ ...LONG, concurrent: 1, waiting: 1 }))
    const one = call(1)
    const left = new AbortController()
    const leaving = assert.rejects(call(2, left.signal), /left/)
    left.abort(new Error('left'))
    await leaving
    const three = call(3)
    await end()
    await end()
    assert.deepEqual(await Promise.all([one, three]), [1, 3])
    assert.deepEqual(begun, [1, 3])
  })

  test('who has waited too long is refused and not called, and makes room', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const places = bulkhead({ concurrent: 1, waiting: 1, longestWaitMs: 20 })
    const { begun, call, end } = calls(places)
    const one = call(1)
    const two = call(2)
    mock.timers.tick(19)
    assert.equal(places.waiting(), 1)
    mock.timers.tick(1)
    await assert.rejects(two, Full)
    assert.equal(places.waiting(), 0)
    const three = call(3)
    await end()
    mock.timers.tick(20)
    await end()
    assert.deepEqual(await Promise.all([one, three]), [1, 3], 'whoever has got in stays')
    assert.deepEqual(begun, [1, 3])
  })

  test('who left before is not let in', async () => {
    const { begun, call } = calls(bulkhead({ ...LONG, concurrent: 1, waiting: 1 }))
    await assert.rejects(call(1, AbortSignal.abort(new Error('left'))), /left/)
    assert.deepEqual(begun, [])
  })
})
