import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readModelKeys } from '../../projections/keys.ts'
import { rebuild } from './rebuild.ts'

test('a scan that fails while a range is being projected fails the build, and not the process', async (t) => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  t.after(() => process.off('unhandledRejection', onUnhandled))
  let scans = 0
  const truth = {
    countUsers: async () => 2,
    userIds: async () => {
      scans += 1
      if (scans === 2) throw new Error('the scan failed')
      return [1]
    },
  }
  // Long enough for Node to look for rejections that nobody handles, which it does each turn.
  const turns = async () => {
    for (let n = 0; n < 5; n += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  const projector = { projectRoles: async () => undefined, projectUsers: turns }
  const keys = readModelKeys('rebuild')
  const deps = { redis: { incarnation: () => 'i' }, keys, truth, projector, guard: { markBuilt: async () => true } }
  await assert.rejects(
    rebuild(deps, keys.partitions, () => undefined),
    /the scan failed/,
  )
  assert.deepEqual(unhandled, [])
})
