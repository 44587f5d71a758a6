import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '../../../test/support/service.ts'
import { MAX_UNPROVED_MS } from '../../ports/invalidations.ts'
import { BEAT_INTERVAL_MS, BEAT_PATIENCE_MS, trackingBeats } from './tracking-beats.ts'

/** What the event loop of a busy machine may add. */
const MARGIN_MS = 1_000

/** `answer`: what becomes of a beat that is written. */
function start(t: TestContext, answer: (key: string) => Promise<unknown>) {
  const written: { key: string; atMs: number }[] = []
  const late: string[] = []
  let proved = 0
  const beats = trackingBeats({
    prefix: 'beat:',
    write: (key) => {
      written.push({ key, atMs: performance.now() })
      return answer(key)
    },
    onProved: () => {
      proved += 1
    },
    onLate: (reason) => late.push(reason),
  })
  t.after(beats.stop)
  beats.start()
  return { beats, written, late, proved: () => proved }
}
const nothing = () => Promise.resolve()

test('a beat that comes back proves everything until it was written, and the next follows', async (t) => {
  const { beats, written, late, proved } = start(t, nothing)
  assert.equal(beats.provedAtMs(), Number.NEGATIVE_INFINITY)
  for (let number = 1; number <= 3; number += 1) {
    await until('a beat', async () => written.length === number)
    const { key = '', atMs = 0 } = written.at(-1) ?? {}
    beats.told(key)
    assert.ok(atMs - beats.provedAtMs() >= 0 && atMs - beats.provedAtMs() < 5)
    assert.equal(proved(), number)
  }
  const [first, second] = written
  assert.ok(first && second && second.atMs - first.atMs >= BEAT_INTERVAL_MS - 2)
  assert.deepEqual(late, [])
})

test('only the beat that is waited for proves anything, and only once', async (t) => {
  const { beats, written, proved } = start(t, nothing)
  const first = written[0]?.key ?? ''
  beats.told('beat:another')
  assert.equal(proved(), 0)
  beats.told(first)
  const provedAtMs = beats.provedAtMs()
  await until('the next', async () => written.length === 2)
  // The earlier one expires, or somebody deletes it.
  beats.told(first)
  assert.deepEqual([proved(), beats.provedAtMs()], [1, provedAtMs])
})

test('a beat that does not come back is late, once, and nothing is proved any more', async (t) => {
  const { beats, written, late } = start(t, nothing)
  beats.told(written[0]?.key ?? '')
  const provedAtMs = beats.provedAtMs()
  await until('it is late', async () => late.length > 0)
  const lostForMs = performance.now() - provedAtMs
  assert.ok(lostForMs >= MAX_UNPROVED_MS - 5 && lostForMs < MAX_UNPROVED_MS + MARGIN_MS, `${lostForMs} ms`)
  assert.equal(beats.provedAtMs(), Number.NEGATIVE_INFINITY)
  beats.told(written[1]?.key ?? '')
  assert.equal(beats.provedAtMs(), Number.NEGATIVE_INFINITY)
  assert.deepEqual([late, written.length], [['no beat for 750 ms'], 2])
})

test('a beat that cannot be written is late at once', async (t) => {
  const { late, beats } = start(t, () => Promise.reject(new Error('READONLY')))
  await until('it is late', async () => late.length > 0)
  assert.deepEqual(late, ['a beat was not written: READONLY'])
  assert.equal(beats.provedAtMs(), Number.NEGATIVE_INFINITY)
})

test('a beat that arrived while this process was busy is not late', async (t) => {
  // Two ends of a connection, so that beats come back through the kernel, where they lie while this process is busy.
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const near = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(listener, 'connection'), once(near, 'connect')])) as [[Socket], unknown]
  t.after(() => {
    for (const socket of [near, far]) socket.destroy()
    listener.close()
  })
  const { beats, late, proved } = start(t, async (key) => {
    far.write(key)
    process.nextTick(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BEAT_PATIENCE_MS + 50))
  })
  near.on('data', (bytes) => beats.told(String(bytes)))
  await until('it has come back twice', async () => proved() >= 2 || late.length > 0)
  assert.deepEqual(late, [])
})

test('stopped beats are neither written nor late', async (t) => {
  const { beats, written, late } = start(t, nothing)
  beats.stop()
  const others = start(t, nothing)
  await until('beats that began later are late', async () => others.late.length > 0)
  assert.deepEqual([written.length, late], [1, []])
})
