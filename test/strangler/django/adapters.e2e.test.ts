import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { openConnection } from '../../../src/adapters/sqlite/connection.ts'
import type { User } from '../../../src/domain/user.ts'
import { legacyDjangoMissing } from '../../support/legacy-django.ts'
import { until } from '../../support/service.ts'
import { type Both, people, roles, SEED, startBoth } from './rig.ts'

const USERS = 300
const missing = legacyDjangoMissing() ?? (process.env.TEST_DATABASE === 'drda' && 'it knows the embedded database only')

describe(`beside the real legacy application (${USERS} made-up users, seed ${SEED})`, {
  skip: missing || false,
}, () => {
  const everybody = people(USERS)
  let both: Both
  before(async () => {
    both = await startBoth(USERS)
  })
  after(async () => both?.close())
  // What Django has written, the next test is to find shown.
  afterEach(async () => both?.service.drained())

  test('get-user: everybody, and nobody', async () => {
    for (const id of [...everybody.map((user) => user.id), USERS + 1, Number.MAX_SAFE_INTEGER]) {
      assert.deepEqual(await both.differences('get-user', `/users/${id}/`, { params: { id: String(id) } }), [])
    }
  })

  test('get-user-by-username: all but the field that tells when it was made', async () => {
    const differing = new Set<string>()
    for (const { username } of everybody) {
      const asked = [username, username.toUpperCase()][username.length % 2] ?? ''
      const path = `/users/by-username/${encodeURIComponent(asked)}/`
      const found = await both.differences('get-user-by-username', path, { params: { username: asked } })
      for (const one of found) differing.add(one.path)
    }
    // Over everybody, not for each: two answers made in the same millisecond tell the same time.
    assert.deepEqual([...differing], ['/generated_at'])
    const nobody = { params: { username: 'Łukasz %_\\ K.' } }
    const path = `/users/by-username/${encodeURIComponent(nobody.params.username)}/`
    assert.deepEqual(await both.differences('get-user-by-username', path, nobody), [])
  })

  test('get-branch-users: every branch, one without anybody among them', async () => {
    const branches = new Set([...everybody.flatMap((user) => user.branches), 'B999'])
    for (const branch of branches) {
      const found = await both.differences('get-branch-users', `/branches/${branch}/users/`, { params: { branch } })
      assert.deepEqual(found, [], branch)
    }
  })

  test('get-permissions: all but the legacy bug, for exactly those whom it meets', async (t) => {
    const met: number[] = []
    for (const user of everybody) {
      for (const branch of [null, user.homeBranchId, 'B999']) {
        const query = branch === null ? '' : `branch=${branch}`
        const asked = { params: { id: String(user.id) }, query }
        const found = await both.differences('get-permissions', `/users/${user.id}/permissions/?${query}`, asked)
        const expected = misjudged(user, branch).map((one) => [one, 'approve', 'allow'])
        const given = found.map(({ at, legacy, native }) => [at.replace('/permissions/', ''), legacy, native])
        assert.deepEqual(given.sort(), expected.sort(), `${user.id} at ${branch}`)
        if (branch === user.homeBranchId && found.length > 0) met.push(user.id)
      }
    }
    t.diagnostic(`the bug meets ${met.length} of ${USERS} users at their home branch`)
    assert.ok(met.length > USERS / 50 && met.length < USERS / 2, String(met.length))
  })

  test('change-user: the same answers, to the same request, by either', async () => {
    const requests: [id: number, body: object][] = [
      [1, { phone: 'x' }],
      [1, { phone: '', email: 'nobody', title: ' x ' }],
      [USERS + 1, { phone: '12345' }],
      [everybody.find(({ status }) => status === 'terminated')?.id ?? 0, { title: 'Baker' }],
      [1, { phone: '+48 22 555 01 17', email: "o'neill@example.com", title: 'Bäcker 🥖' }],
      [2, { email: null, title: '' }],
      [3, {}],
      [1, []],
      [4, { title: 7, phone: false, nickname: 'x' }],
      [4, { title: 'Baker', nickname: 'x' }],
    ]
    for (const [id, body] of requests) {
      const legacy = await both.legacy(`/users/${id}/`, body)
      const native = await both.native('change-user', { params: { id: String(id) }, body })
      assert.equal(native.status, legacy.status)
      const [theirs, ours] = [legacy, native].map((answer) => ({ ...(answer.body as object), updated: null }))
      assert.deepEqual(ours, theirs, JSON.stringify(body))
    }
  })

  test('a write by Django shows in /v1, and a native write in Django', async () => {
    await both.legacy('/users/5/', { title: 'Written by Django' })
    await until('the write by Django shows', async () => (await titleInV1(5)) === 'Written by Django')
    await both.native('change-user', { params: { id: '5' }, body: { title: 'Written by us' } })
    assert.equal(await titleInV1(5), 'Written by us')
    assert.deepEqual((await both.legacy('/users/5/')).body, (await both.native('get-user', asked(5))).body)
  })

  test('Django, kept waiting by another writer, does not put back what it has read before', async () => {
    const other = openConnection(both.databasePath, { readOnly: false })
    try {
      other.exec('BEGIN IMMEDIATE')
      const waiting = both.legacy('/users/6/', { phone: '+1 212 555 0166' })
      // Asked later and answered meanwhile: it has had the time to read, and more.
      for (let asked = 0; asked < 20; asked += 1) await both.legacy('/users/6/')
      other.run('UPDATE users SET job_title = ? WHERE user_id = 6', ['Written meanwhile'])
      other.exec('COMMIT')
      assert.partialDeepStrictEqual((await waiting).body, { phone: '+1 212 555 0166', title: 'Written meanwhile' })
    } finally {
      other.close()
    }
  })

  test('while both write the same users at once, nothing is lost and the read model ends right', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => i + 100).filter((id) => isStaff(everybody[id - 1]))
    assert.ok(ids.length > 10)
    for (let round = 1; round <= 3; round += 1) {
      const phone = `+1 212 555 010${round}`
      const title = `Round ${round}`
      const answers = await Promise.all(
        ids.flatMap((id) => [
          both.legacy(`/users/${id}/`, { phone }),
          both.native('change-user', { params: { id: String(id) }, body: { title } }),
        ]),
      )
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      for (const id of ids) {
        assert.partialDeepStrictEqual((await both.legacy(`/users/${id}/`)).body, { phone, title })
        await until(`user ${id} shows both`, async () => {
          return (await both.differences('get-user', `/users/${id}/`, asked(id))).length === 0
        })
      }
    }
  })

  const asked = (id: number) => ({ params: { id: String(id) } })
  const titleInV1 = async (id: number) => (await both.service.app.inject(`/v1/users/${id}`)).json().jobTitle
})

const isStaff = (user: User | undefined) => user !== undefined && user.status !== 'terminated'

/** What the legacy application calls `approve` because a later role says so, though an earlier one allows it. */
function misjudged(user: User, branch: string | null): string[] {
  if (user.status !== 'active') return []
  const effects = user.roles
    .filter(({ branchId }) => branchId === null || branchId === branch)
    .flatMap(({ role }) => roles.find((one) => one.role === role)?.permissions ?? [])
  const last = new Map(effects.map(({ permission, effect }) => [permission, effect]))
  return [...last.keys()].filter(
    (permission) =>
      last.get(permission) === 'approve' &&
      effects.some((one) => one.permission === permission && one.effect === 'allow'),
  )
}
