import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { someUser } from '../../../test/support/users.ts'
import { projectUser } from '../user/project.ts'
import { nearCache } from './near-cache.ts'
import { bytesOfNearUser, type NearUser, nearUser } from './near-user.ts'

// It measures the whole heap, so it needs a process of its own.

test('an entry takes no more memory than is counted', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const COUNT = 20_000
  const cache = nearCache<number, NearUser>({
    maxBytes: 67_108_864,
    bytesOf: bytesOfNearUser,
    provedAtMs: () => performance.now(),
  })
  cache.up()
  const used = async () => {
    // What the first finds unused, memory of Buffers above all, is given back by the time of the next.
    for (let time = 1; time <= 4; time += 1) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { heapUsed, external, arrayBuffers } = process.memoryUsage()
    return heapUsed + external + arrayBuffers
  }
  // As replies come: many bodies in one piece of memory.
  const { full, bare } = projectUser(someUser({ version: 1 })).bodies
  // Tags as long as they are.
  const base = { epoch: '6eb6fadd', schema: 12 }
  const reply = () => Buffer.concat([full, bare, Buffer.alloc(60_000)])
  const before = await used()
  for (let userId = 1; userId <= COUNT; userId += 1) {
    const bytes = reply()
    const bodies = {
      full: bytes.subarray(0, full.length),
      bare: bytes.subarray(full.length, full.length + bare.length),
    }
    cache.keep(cache.begin(userId), nearUser({ userId, version: userId, bodies, from: 'redis' }, base))
  }
  const [grown, { bytes, entries }] = [(await used()) - before, cache.size()]
  assert.equal(entries, COUNT)
  assert.ok(grown <= bytes, `${grown / COUNT} bytes an entry, ${bytes / COUNT} counted`)
  assert.ok(grown > bytes / 3, `${grown / COUNT} bytes an entry, ${bytes / COUNT} counted: too many for nothing`)
})
