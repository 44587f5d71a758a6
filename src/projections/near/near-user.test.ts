import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import { readAnswer } from '../../wire/answer.ts'
import { userEtag } from '../../wire/etag.ts'
import { projectUser } from '../user/project.ts'
import type { KnownUser } from '../user/shown.ts'
import { headNotModified, headWithBody, nearUser, nearUserIsCalled, shownNear } from './near-user.ts'

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
