import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import { NOBODY } from './bodies.ts'
import { holders } from './holders.ts'
import { projectUser } from './project.ts'
import type { ShownUser } from './shown.ts'

const NO_TRUTHS = () => Promise.reject(new Error('nobody asks the database'))

/** A user with this status, as readers get them. */
function shownAs(status: 'active' | 'suspended', from: ShownUser['from']): ShownUser {
  const { userId, version, bodies } = projectUser(someUser({ id: 1, status, version: 3 }))
  return { userId, version, bodies, from }
}

test('a body is parsed once a version', async () => {
  let shown = shownAs('active', 'redis')
  const holderOf = holders({ views: { byId: async () => shown }, truths: NO_TRUTHS })
  const first = await holderOf(1)
  shown = shownAs('active', 'near')
  assert.equal((await holderOf(1))?.holder, first?.holder)
})

test('what the database said while somebody wrote is answered, and not remembered as that version', async () => {
  // Version 3, and already what only version 4 says: read between a writer's commit and the look at the version.
  let shown = shownAs('suspended', 'database')
  const holderOf = holders({ views: { byId: async () => shown }, truths: NO_TRUTHS })
  assert.equal((await holderOf(1))?.holder.status, 'suspended')
  shown = shownAs('active', 'redis')
  assert.equal((await holderOf(1))?.holder.status, 'active')
})

for (const damage of ['', '{', 'null', '7']) {
  test(`a body that is no user (${damage}) is read from the database, and not remembered`, async () => {
    const user = someUser({ id: 1, version: 3 })
    const held = shownAs('suspended', 'redis')
    const bodies = { full: held.bodies?.full ?? NOBODY.full, bare: Buffer.from(damage) }
    let shown: ShownUser = { ...held, bodies }
    const truths = async () => [{ userId: 1, version: 4, user, settled: true }]
    const holderOf = holders({ views: { byId: async () => shown }, truths })
    assert.deepEqual(await holderOf(1), {
      version: 4,
      holder: { status: user.status, branches: user.branches, roles: user.roles },
      limits: user.limits,
      source: { from: 'database' },
    })
    shown = shownAs('suspended', 'redis')
    assert.equal((await holderOf(1))?.holder.status, 'suspended')
  })
}

test('whose copy is damaged and who is gone by now is nobody', async () => {
  const held = shownAs('active', 'redis')
  const bodies = { full: NOBODY.full, bare: Buffer.from('{') }
  const views = { byId: async (): Promise<ShownUser> => ({ ...held, bodies }) }
  assert.equal(await holders({ views, truths: async () => [] })(1), null)
  const truths = async () => [{ userId: 1, version: 4, user: null, settled: true }]
  assert.equal(await holders({ views, truths })(1), null)
})
