import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { refusal } from '../../../test/support/users.ts'
import { type Settings, SWITCH_POLL_MS, switchboard } from './switchboard.ts'

type Answer = Record<string, string> | Error
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A switchboard over a store that answers when the test says so, and what it says. */
function start(t: TestContext, { applying = (_: Settings): void => undefined } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const reads: PromiseWithResolvers<Map<string, string>>[] = []
  const applied: Record<string, string>[] = []
  const logged: string[] = []
  const note = (level: string) => (_: object, message: string) => void logged.push(`${level}: ${message}`)
  const board = switchboard({
    store: {
      all() {
        const read = Promise.withResolvers<Map<string, string>>()
        reads.push(read)
        return read.promise
      },
    },
    onChange(settings) {
      applying(settings)
      applied.push(Object.fromEntries(settings))
    },
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
  })
  let answers = 0
  /** The oldest read that is under way ends with this. */
  const answer = async (with_: Answer) => {
    await settled()
    const read = reads[answers] ?? assert.fail('nothing is being read')
    answers += 1
    if (with_ instanceof Error) read.reject(with_)
    else read.resolve(new Map(Object.entries(with_)))
    await settled()
  }
  const poll = async (times = 1) => {
    t.mock.timers.tick(times * SWITCH_POLL_MS)
    await settled()
  }
  return { board, applied, logged, answer, poll, begun: () => reads.length }
}
const A = { 'breaker:x': 'a' }
const B = { 'breaker:x': 'b' }

test('it reads at once, and again every so often; what differs is applied, all of it', async (t) => {
  const { board, applied, answer, poll, begun } = start(t)
  await answer(A)
  assert.deepEqual([applied, begun()], [[A], 1])
  await poll()
  await answer(A)
  assert.deepEqual([applied, begun()], [[A], 2], 'nothing has changed')
  for (const settings of [
    B,
    { ...B, 'breaker:y': 'b' },
    { ...B, 'breaker:y': 'c' },
    { 'breaker:y': 'b' },
    { 'breaker:z': 'b' },
    {},
  ]) {
    await poll()
    await answer(settings)
    assert.deepEqual(applied.at(-1), settings)
    assert.deepEqual(Object.fromEntries(board.settings()), settings)
  }
  assert.equal(applied.length, 7)
})

test('woken, it reads at once', async (t) => {
  const { board, applied, answer } = start(t)
  await answer(A)
  board.wake()
  await answer(B)
  assert.deepEqual(applied, [A, B])
})

test('reads never overlap: whoever comes during one shares the next, however many, and however slow it is', async (t) => {
  const { board, answer, poll, begun } = start(t)
  await settled()
  await poll(10)
  board.wake()
  board.wake()
  await settled()
  assert.equal(begun(), 1)
  await answer({})
  assert.equal(begun(), 2)
  await answer({})
  assert.equal(begun(), 2)
})

test('a refresh is over when a read that began after it is applied', async (t) => {
  const { board, applied, answer } = start(t)
  await settled()
  let over: boolean | null = null
  const refreshing = board.refresh().then((isRead) => {
    over = isRead
  })
  // Begun before: it may have missed what the caller has just written.
  await answer({})
  assert.equal(over, null)
  await answer(A)
  await refreshing
  assert.deepEqual([over, applied.at(-1)], [true, A])
})

test('while nothing can be read, what was read last holds, which is said once, and so is the end of it', async (t) => {
  const { board, applied, logged, answer, poll } = start(t)
  await answer(A)
  const refreshing = board.refresh()
  await answer(new Error('gone'))
  assert.equal(await refreshing, false)
  for (let times = 0; times < 3; times += 1) {
    await poll()
    await answer(new Error('gone'))
  }
  assert.deepEqual([applied, Object.fromEntries(board.settings())], [[A], A])
  const [warning, ...more] = logged
  assert.match(warning ?? '', /^warn: switches cannot be read/)
  assert.deepEqual(more, [])
  await poll()
  await answer(B)
  assert.deepEqual([applied, logged.length], [[A, B], 2])
  await poll()
  await answer(new Error('gone'))
  assert.equal(logged.length, 3, 'a second time is news again')
})

test('before anything was read, nobody can say what is set', async (t) => {
  const { board, answer, poll } = start(t)
  assert.throws(board.settings, refusal('database-unavailable'))
  await answer(new Error('gone'))
  assert.throws(board.settings, refusal('database-unavailable'))
  await poll()
  await answer({})
  assert.equal(board.settings().size, 0)
})

test('what could not be applied is applied after the next read', async (t) => {
  let failures = 1
  const applying = () => {
    failures -= 1
    if (failures >= 0) throw new Error('planted')
  }
  const { applied, answer, poll } = start(t, { applying })
  await answer(A)
  assert.deepEqual(applied, [])
  await poll()
  await answer(A)
  assert.deepEqual(applied, [A])
})

test('stopped, it waits for the read under way, applies nothing more, and reads nothing more', async (t) => {
  const { board, applied, answer, poll, begun } = start(t)
  await settled()
  let stopped = false
  const stopping = board.stop().then(() => {
    stopped = true
  })
  await settled()
  assert.equal(stopped, false)
  await answer(A)
  await stopping
  await poll(3)
  const refreshing = board.refresh()
  await settled()
  assert.deepEqual([applied, begun()], [[], 1])
  assert.equal(await refreshing, false)
})
