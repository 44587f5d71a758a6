import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { Cancelled, OutOfTime, pause, within } from './deadline.ts'

const soon = (ms: number) => {
  const untilMs = performance.now() + ms
  return () => untilMs
}
const LATER_MS = 60_000
function standStill(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}
/** Timers of the future that were set since and still tick; nobody else's, as long as the test does not wait for others. */
function ticking(t: TestContext) {
  const set = t.mock.method(globalThis, 'setTimeout')
  const cleared = t.mock.method(globalThis, 'clearTimeout')
  return () => {
    const ended = new Set(cleared.mock.calls.map(({ arguments: [timer] }) => timer))
    const far = set.mock.calls.filter(({ arguments: [, ms] }) => Number(ms) > LATER_MS / 2)
    return { set: far.length, left: far.filter(({ result }) => !ended.has(result)).length }
  }
}
const never = () => new Promise<never>(() => undefined)

/** The signal that the work is given. */
function watched() {
  const seen: AbortSignal[] = []
  const work = (signal: AbortSignal) => {
    seen.push(signal)
    return never()
  }
  return { seen, work }
}

describe('work within a time', () => {
  test('has its answer, or its error', async () => {
    const limits = { untilMs: soon(LATER_MS), signals: [] }
    assert.equal(await within(limits, async () => 1), 1)
    await assert.rejects(
      within(limits, () => Promise.reject(new Error('its own'))),
      /its own/,
    )
  })

  test('is given up when the time is over, not sooner, and told so', async () => {
    const startedMs = performance.now()
    const { seen, work } = watched()
    await assert.rejects(within({ untilMs: () => startedMs + 20, signals: [] }, work), OutOfTime)
    assert.ok(performance.now() - startedMs >= 20)
    assert.ok(seen[0]?.reason instanceof OutOfTime)
  })

  test('whose answer has come while this process stood still has its answer', async () => {
    const { port1, port2 } = new MessageChannel()
    const answer = new Promise<string>((resolve) => port2.once('message', resolve))
    // Not in a timer's turn: the next thing to run is the timer that says that the time is over.
    await new Promise(setImmediate)
    const given = within({ untilMs: soon(15), signals: [] }, () => answer)
    port1.postMessage('it was there in time')
    standStill(40)
    assert.equal(await given, 'it was there in time')
    port1.close()
  })

  test('is given up late when this process stood still, and knows how late', async () => {
    const given = within({ untilMs: soon(5), signals: [] }, never)
    standStill(60)
    await assert.rejects(given, (error) => error instanceof OutOfTime && error.lateMs > 20)
  })

  test('goes on when the time has grown meanwhile', async () => {
    let leftMs = 10
    const { promise, resolve } = Promise.withResolvers<string>()
    const answer = within({ untilMs: () => performance.now() + leftMs, signals: [] }, () => promise)
    leftMs = LATER_MS
    setTimeout(resolve, 30, 'late, but in time')
    assert.equal(await answer, 'late, but in time')
  })

  test('is given up when one of the signals says so, and told so', async () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const { seen, work } = watched()
    const given = within({ untilMs: soon(LATER_MS), signals: [one.signal, other.signal] }, work)
    other.abort()
    await assert.rejects(given, Cancelled)
    assert.ok(seen[0]?.reason instanceof Cancelled)
  })

  test('does not begin when it is too late', async () => {
    const { seen, work } = watched()
    await assert.rejects(within({ untilMs: soon(0), signals: [] }, work), OutOfTime)
    await assert.rejects(within({ untilMs: soon(LATER_MS), signals: [AbortSignal.abort()] }, work), Cancelled)
    assert.equal(seen.length, 0)
  })

  test('is not aborted after its end, by another’s end neither, and leaves nothing behind', async (t) => {
    const { signal } = new AbortController()
    const timers = ticking(t)
    const own: AbortSignal[] = []
    const work = async (signal: AbortSignal) => void own.push(signal)
    await Promise.all([
      within({ untilMs: soon(LATER_MS), signals: [signal] }, work),
      within({ untilMs: soon(LATER_MS), signals: [signal] }, work),
      assert.rejects(within({ untilMs: soon(1), signals: [signal] }, never)),
    ])
    assert.equal(new Set(own).size, 2)
    assert.deepEqual(
      own.map(({ aborted }) => aborted),
      [false, false],
    )
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    assert.deepEqual(timers(), { set: 2, left: 0 })
  })

  test('that fails after it was given up is nobody’s business', async () => {
    const { promise, reject } = Promise.withResolvers<never>()
    await assert.rejects(
      within({ untilMs: soon(1), signals: [] }, () => promise),
      OutOfTime,
    )
    reject(new Error('too late'))
    // An unhandled rejection would fail the test.
    await new Promise(setImmediate)
  })
})

test('a pause ends by itself, or with its signal, and leaves no timer', async (t) => {
  const controller = new AbortController()
  await pause(1, controller.signal)
  const timers = ticking(t)
  const long = pause(LATER_MS, controller.signal)
  controller.abort(new Cancelled())
  await assert.rejects(long, Cancelled)
  await assert.rejects(pause(LATER_MS, controller.signal), Cancelled)
  // Of the second, the timer is set and cleared at once.
  assert.deepEqual(timers(), { set: 2, left: 0 })
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
})
