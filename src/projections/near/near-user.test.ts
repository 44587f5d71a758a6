import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { someUser } from '../../../test/support/users.ts'
import { readAnswer } from '../../wire/answer.ts'
import { userEtag } from '../../wire/etag.ts'
import { projectUser } from '../user/project.ts'
import type { KnownUser } from '../user/shown.ts'
import { nearCache } from './near-cache.ts'
import {
  bytesOfNearUser,
  headNotModified,
  headWithBody,
  type NearUser,
  nearUser,
  nearUserIsCalled,
  shownNear,
} from './near-user.ts'

const TAG_BASE = { epoch: 'e1', schema: 1 }
const known = (user = someUser()): KnownUser => {
  const { userId, version, bodies } = projectUser(user)
  return { userId, version, bodies, from: 'redis' }
}

for (const seesPersonal of [true, false])
  test(`it is the answer that the route would give ${seesPersonal ? 'with' : 'without'} what is personal, ready to be written`, () => {
    const user = known(someUser({ givenName: 'Zoë 👋' }))
    const { full, bare } = nearUser(user, TAG_BASE)
    const [near, body] = seesPersonal ? [full, user.bodies.full] : [bare, user.bodies.bare]
    const tag = userEtag(TAG_BASE, seesPersonal, user.version)
    const table: [head: string[], ifNoneMatch: string | undefined, more: object][] = [
      [headWithBody(near, ['read-from', 'near']), undefined, { 'content-length': String(body.length) }],
      [headNotModified(near, ['read-from', 'near']), tag, {}],
    ]
    for (const [head, ifNoneMatch, more] of table) {
      const pairs = head.flatMap((name, i) => (i % 2 === 0 ? [[name, head[i + 1]]] : []))
      assert.deepEqual(Object.fromEntries(pairs), {
        ...readAnswer(tag, ifNoneMatch, { 'read-from': 'near' }, body).headers,
        ...more,
      })
    }
    assert.deepEqual(Buffer.from(near.body, 'latin1'), body)
  })

test('without what is personal it has another tag, and says nothing of it', () => {
  const { full, bare } = nearUser(known(), TAG_BASE)
  const { email = '', phone = '', employeeNumber = '' } = someUser()
  assert.deepEqual([full.etag, bare.etag], ['"e1.1.u.5"', '"e1.1.n.5"'])
  for (const value of [email, phone, employeeNumber]) {
    assert.ok(value && full.body.includes(value))
    assert.ok(!bare.body.includes(value))
  }
})

test('read again it is the same user, from near', () => {
  const user = known()
  assert.deepEqual(shownNear(nearUser(user, TAG_BASE)), { ...user, from: 'near' })
})

test('it knows its own username, without regard to ASCII case', () => {
  const near = nearUser(known(someUser({ username: 'Zofia.WÓJCIK' })), TAG_BASE)
  for (const [name, expected] of [
    ['zofia.wÓjcik', true],
    ['zofia.wójcik', false],
    ['another', false],
  ] as const) {
    for (let time = 1; time <= 2; time += 1) assert.equal(nearUserIsCalled(near, name), expected, name)
  }
})

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
  const { full, bare } = known(someUser({ version: 1 })).bodies
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
