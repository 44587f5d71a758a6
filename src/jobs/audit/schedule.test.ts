import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { quiet, until } from '../../../test/support/service.ts'
import type { Job } from '../../ports/jobs.ts'
import type { Auditor } from './auditor.ts'
import { type AuditData, type AuditKind, type AuditQueue, scheduleAudits } from './schedule.ts'
import type { WalkProgress } from './walk.ts'

const LOOK_EVERY_MS = 5
const EVERY_MS = { sample: 60_000, recheck: 10_000, walk: 3_600_000 }
type Handle = (job: Job<AuditData, WalkProgress>) => Promise<null>

/** A schedule over a queue that does nothing, a clock that the test sets, and what was asked for. */
function schedule(t: TestContext, differing: { ready?: boolean; fields?: Record<string, string> } = {}) {
  const fields: Record<string, string> = { ...differing.fields }
  const added: string[] = []
  const done: string[] = []
  let handle: Handle | undefined
  const queue: AuditQueue = {
    add: async (key, { kind }) => {
      assert.equal(key, kind)
      added.push(kind)
      return kind
    },
    find: async () => null,
    work: (given) => {
      handle = given
      return { stop: async () => undefined }
    },
  }
  const auditor = {
    sample: async () => void done.push('sample'),
    recheck: async () => void done.push('recheck'),
    walk: async ({ progress }: { progress: WalkProgress | null }) =>
      void done.push(`walk after ${progress?.after ?? 0}`),
  } as unknown as Auditor
  const tally = {
    read: async () => fields,
    remember: async (what: string, value: string | number) => {
      fields[what] = String(value)
    },
  }
  const clock = { now: 10_000_000 }
  const isReady = () => differing.ready ?? true
  const worker = scheduleAudits({
    ...{ queue, auditor, tally, everyMs: EVERY_MS, isReady, log: quiet },
    ...{ lookEveryMs: LOOK_EVERY_MS, now: () => clock.now },
  })
  t.after(worker.stop)
  const run = async (kind: AuditKind, progress: WalkProgress | null = null) => {
    const stop = new AbortController().signal
    await handle?.({ data: { kind }, progress, keep: async () => undefined, stop })
  }
  return { added, done, fields, clock, run }
}

test('what has never been done is due, and is asked for under its own key', async (t) => {
  const { added } = schedule(t)
  await until('all are asked for', async () => added.length >= 3)
  assert.deepEqual(added.slice(0, 3), ['sample', 'recheck', 'walk'])
})

test('what was begun a short while ago is not due, by whichever process it was begun', async (t) => {
  const begun = 10_000_000
  const fields = { 'began:sample': `${begun - 59_000}`, 'began:recheck': `${begun - 10_000}`, 'began:walk': `${begun}` }
  const { added } = schedule(t, { fields })
  await until('it has looked', async () => added.length >= 1)
  assert.deepEqual(added, ['recheck'])
})

test('what was begun at a time that has not come, or at none, is due', async (t) => {
  const begun = 10_000_000
  const fields = { 'began:sample': `${begun + 59_000}`, 'began:recheck': `${begun + 61_000}`, 'began:walk': 'never' }
  const { added } = schedule(t, { fields })
  await until('it has looked', async () => added.length >= 2)
  assert.deepEqual(added.slice(0, 2), ['recheck', 'walk'])
})

test('each job notes that it has begun, and does its own kind; a walk goes on from where it was', async (t) => {
  const { done, fields, clock, run } = schedule(t)
  await run('sample')
  clock.now += 5
  await run('walk', { after: 500 } as WalkProgress)
  await run('recheck')
  assert.deepEqual(done, ['sample', 'walk after 500', 'recheck'])
  assert.deepEqual(fields, { 'began:sample': '10000000', 'began:walk': '10000005', 'began:recheck': '10000005' })
})
