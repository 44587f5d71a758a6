import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Committed, ConsumerListener, LogRecord } from '../../ports/message-log.ts'
import type { Change } from '../../ports.ts'
import { logFeed } from './log-feed.ts'
import { encodeChange } from './messages.ts'
import { NO_NOTE, readNote, writeNote } from './note.ts'

const LIMIT_MS = 5_000
const POLL_MS = 5
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + LIMIT_MS; !condition(); await wait(POLL_MS))
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
}

const record = (offset: number, userId = offset + 1): LogRecord => {
  const changedAt = '2026-01-01 00:00:00.000'
  const { value } = encodeChange({ changeId: offset + 1, entity: 'user', entityId: String(userId), changedAt })
  return { offset, key: null, value: Buffer.from(value as string), headers: {} }
}
const records = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => record(from + index))
const alive = async () => undefined

type Options = { committed?: Committed[]; first?: number; handle?: (changes: Change[]) => Promise<void> }
/** A member of a group whose client is the test. */
async function open(t: TestContext, { committed = [], first = 0, handle = async () => undefined }: Options = {}) {
  let listener: ConsumerListener | undefined
  const commits: { partition: number; offset: number; note: string }[] = []
  const handled: string[] = []
  let lost = 0
  const feed = logFeed({
    consumer: {
      async start(heard) {
        listener = heard
      },
      commit: async (offsets) => void commits.push(...offsets),
      restart: () => undefined,
      stop: async () => undefined,
    },
    reader: {
      bounds: async () => [{ partition: 0, first, end: 1_000 }],
      committed: async () => committed,
      close: async () => undefined,
    },
    writer: { append: async () => [] },
    topics: { changes: 'c', parked: 'p' },
    group: 'g',
    epoch: 'e',
    vouches: true,
    deleteRows: async () => undefined,
    parkAnew: async () => undefined,
    truth: { now: async () => '2026-01-01 00:00:00.000' },
    leaseMs: 10_000,
    log: quiet,
    aliveEveryMs: 20,
  })
  const { stop } = feed.subscribe({
    async handle(changes) {
      await handle(changes)
      handled.push(...changes.map(({ entityId }) => entityId))
    },
    isOutage: () => true,
    othersGoThrough: async () => false,
    giveUp: async () => undefined,
    onMark: async () => undefined,
    onLost: async () => {
      lost += 1
    },
  })
  t.after(stop)
  assert.ok(listener)
  await listener.onAssigned([0])
  return { listener, commits, handled, lost: () => lost }
}

test('what is handed over is handled, and then committed', async (t) => {
  const { listener, commits, handled, lost } = await open(t)
  await listener.onRecords(0, records(0, 700), alive)
  assert.equal(new Set(handled).size, 700)
  await until('it is committed', () => commits.at(-1)?.offset === 700)
  assert.equal(lost(), 0)
})

test('records that come again to the same member, after it could not say that it lives, are handled once more', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let calls = 0
  const { listener, commits, handled, lost } = await open(t, {
    async handle() {
      calls += 1
      if (calls === 1) await promise
    },
  })
  const dead = async () => {
    throw new Error('no heartbeat')
  }
  await assert.rejects(listener.onRecords(0, records(0, 10), dead), /no heartbeat/)
  const again = listener.onRecords(0, records(0, 10), alive)
  resolve()
  await again
  await until('it is committed', () => commits.at(-1)?.offset === 10)
  assert.deepEqual([new Set(handled).size, lost()], [10, 0])
})

test('what was in hand when partitions were shared out anew is not committed by those who had it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { listener, commits, handled } = await open(t, { handle: () => promise })
  const handing = listener.onRecords(0, records(0, 10), alive)
  await until('it is noted', () => commits.length > 0)
  await listener.onAssigned([0])
  await handing
  resolve()
  await until('it has been handled', () => handled.length === 10)
  await listener.onRecords(0, records(0, 10), alive)
  await until('it is committed', () => commits.at(-1)?.offset === 10)
  assert.ok(commits.slice(0, -1).every(({ offset }) => offset < 10))
})

test('messages that retention has removed unread are a loss, before anything after them is committed', async (t) => {
  const { listener, commits, lost } = await open(t, { first: 50, committed: [{ partition: 0, offset: 20, note: '' }] })
  await listener.onRecords(0, records(50, 52), alive)
  assert.equal(lost(), 1)
  await until('it is committed', () => commits.at(-1)?.offset === 52)
})

test('offsets that never held a message are none', async (t) => {
  const { listener, commits, lost } = await open(t, { committed: [{ partition: 0, offset: 20, note: '' }] })
  await listener.onRecords(0, records(22, 24), alive)
  listener.onPassed(0, 26)
  await until('it is committed', () => commits.at(-1)?.offset === 26)
  assert.equal(lost(), 0)
})

test('offsets that go back belong to another topic', async (t) => {
  const { listener, lost } = await open(t, { committed: [{ partition: 0, offset: 20, note: '' }] })
  await listener.onRecords(0, records(0, 2), alive)
  assert.equal(lost(), 1)
})

test('a member that has lived on has died of nothing; what it found of others’ deaths stays', async (t) => {
  const found = { ...NO_NOTE, tries: 2, until: 5 }
  const committed = [{ partition: 0, offset: 0, note: writeNote(found) }]
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>())
  t.after(() => gates.forEach(({ resolve }) => void resolve()))
  let calls = 0
  const handle = async () => {
    calls += 1
    await gates[calls - 1]?.promise
  }
  const { listener, commits } = await open(t, { committed, handle })
  for (let assignment = 0; assignment < 5; assignment += 1) {
    const before = commits.length
    void listener.onRecords(0, records(0, 5), alive)
    await until('it is noted, and begun with', () => commits.length > before && calls > assignment)
    const note = commits.at(-1)?.note ?? ''
    assert.equal(readNote(note).tries, 3)
    committed[0] = { partition: 0, offset: 0, note }
    await listener.onAssigned([0])
    gates[assignment]?.resolve()
  }
})
