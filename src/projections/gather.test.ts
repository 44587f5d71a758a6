import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DomainError } from '../domain/errors.ts'
import { gather } from './gather.ts'

const SEED = 20_240_711
const RUNS = 300

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

type Read = { keys: number[]; end(): void; fail(): void }
/** Reads that end when the test says so; a value tells its key, and the number of the ask after which it was read. */
function held(bounds: { batch: number; maxReads: number; maxWaiting: number }) {
  const reading: Read[] = []
  let asked = 0
  let most = 0
  const get = gather<number, { key: number; readAfter: number }>({
    ...bounds,
    read: (keys) => {
      const readAfter = asked
      return new Promise((resolve, reject) => {
        const end = (settle: () => void) => () => {
          reading.splice(reading.indexOf(read), 1)
          settle()
        }
        const values = new Map(keys.map((key) => [key, { key, readAfter }]))
        const read = { keys, end: end(() => resolve(values)), fail: end(() => reject(new Error('the read failed'))) }
        reading.push(read)
        most = Math.max(most, reading.length)
        assert.ok(keys.length <= bounds.batch)
        assert.equal(new Set(keys).size, keys.length, 'each key once')
      })
    },
  })
  const ask = (key: number) => {
    asked += 1
    const number = asked
    return { number, answer: get(key) }
  }
  return { ask, reading, most: () => most }
}

type Step = { kind: 'ask'; key: number } | { kind: 'turn' } | { kind: 'end' | 'fail'; nth: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), key: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('end' as const, 'fail' as const), nth: fc.nat(9) }) },
)
const bounds = fc.record({
  batch: fc.integer({ min: 1, max: 5 }),
  maxReads: fc.integer({ min: 1, max: 3 }),
  maxWaiting: fc.integer({ min: 1, max: 6 }),
})

test(`whoever asks gets their own value, read after they asked, within the bounds (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(bounds, fc.array(step, { maxLength: 60 }), async (limits, steps) => {
      const { ask, reading, most } = held(limits)
      const outcomes: Promise<void>[] = []
      /** Keys asked for that no read has taken yet, by our own count. */
      const waiting = new Set<number>()
      const checked = async (key: number) => {
        const isRefused = !waiting.has(key) && waiting.size >= limits.maxWaiting
        if (!isRefused) waiting.add(key)
        const { number, answer } = ask(key)
        try {
          const value = await answer
          assert.equal(isRefused, false)
          assert.equal(value.key, key)
          assert.ok(value.readAfter >= number, `asked as number ${number}, read after ${value.readAfter}`)
        } catch (error) {
          if (isRefused) assert.ok(error instanceof DomainError && error.code === 'busy')
          else assert.match(String(error), /the read failed/)
        }
      }
      const settle = async () => {
        const before = new Set(reading)
        await turn()
        for (const { keys } of reading.filter((read) => !before.has(read))) for (const key of keys) waiting.delete(key)
      }
      for (const one of steps) {
        if (one.kind === 'ask') outcomes.push(checked(one.key))
        else if (one.kind === 'turn') await settle()
        else {
          const read = reading[one.nth % Math.max(1, reading.length)]
          if (read) read[one.kind]()
          await settle()
        }
      }
      while (waiting.size > 0 || reading.length > 0) {
        reading[0]?.end()
        await settle()
      }
      await Promise.all(outcomes)
      assert.ok(most() <= limits.maxReads)
    }),
    { seed: SEED, numRuns: RUNS },
  )
})

test('a thousand who ask at once are one read', async () => {
  const { ask, reading } = held({ batch: 10, maxReads: 2, maxWaiting: 10 })
  const answers = Array.from({ length: 1_000 }, () => ask(7).answer)
  await turn()
  assert.deepEqual(
    reading.map(({ keys }) => keys),
    [[7]],
  )
  reading[0]?.end()
  assert.ok((await Promise.all(answers)).every(({ key }) => key === 7))
})

test('who comes after a read has begun waits for the next', async () => {
  const { ask, reading } = held({ batch: 10, maxReads: 2, maxWaiting: 10 })
  const first = ask(7)
  await turn()
  const second = ask(7)
  await turn()
  assert.equal(reading.length, 2)
  reading[1]?.end()
  reading[0]?.end()
  assert.equal((await first.answer).readAfter, 1)
  assert.equal((await second.answer).readAfter, 2)
})

test('a key that the read leaves out, or a read that throws at once, holds up nobody for ever', async () => {
  let reads = 0
  const get = gather<number, number>({
    batch: 1,
    maxReads: 1,
    maxWaiting: 5,
    read: () => {
      reads += 1
      if (reads === 1) throw new Error('at once')
      return Promise.resolve(new Map([[2, 20]]))
    },
  })
  const [first, second] = await Promise.allSettled([get(1), get(2)])
  assert.equal(first.status, 'rejected')
  assert.deepEqual(second, { status: 'fulfilled', value: 20 })
})
