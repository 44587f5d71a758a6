import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import { projectUser } from '../user/project.ts'
import type { ShownUser } from '../user/shown.ts'
import { hints } from './hints.ts'
import { LEAST_ENTRY_BYTES, type NearCacheOptions, nearCache } from './near-cache.ts'
import type { NearUser } from './near-user.ts'
import { type NearCatalogue, nearRoleViews, nearUserViews } from './near-views.ts'

const CACHE: NearCacheOptions<NearUser | NearCatalogue> = {
  ...{ maxBytes: 10 * LEAST_ENTRY_BYTES, bytesOf: () => LEAST_ENTRY_BYTES },
  ...{ provedAtMs: () => 0, now: () => 0 },
}
const ANN = 3
const BEN = 4
const shown = (id: number, username: string, version: number, from: 'redis' | 'database' = 'redis'): ShownUser => {
  const { userId, bodies } = projectUser(someUser({ id, username, version }))
  return { userId, version, bodies, from }
}

/** Users near, over views that answer what the test puts into `truth`. */
function startUsers() {
  const users = nearCache<number, NearUser>(CACHE)
  users.up()
  const truth = new Map<string | number, ShownUser>()
  const asked: (string | number)[] = []
  const answer = (of: string | number) => {
    asked.push(of)
    return truth.get(of) ?? assert.fail(`nobody is asked for ${of}`)
  }
  const known = hints()
  const views = nearUserViews({
    views: {
      byId: async (userId) => answer(userId),
      byIds: async (userIds) => userIds.map(answer),
      byUsername: async (username) => answer(username),
    },
    ...{ users, known, tagBase: { epoch: 'e1', schema: 1 } },
  })
  return { users, truth, asked, known, views }
}

test('just the version that is asked for at least is given out of this process, by id and by username', async () => {
  const { truth, asked, views } = startUsers()
  truth.set(ANN, shown(ANN, 'ann', 7)).set('ann', shown(ANN, 'ann', 7))
  await views.byId(ANN)
  await views.byUsername('ann')
  asked.length = 0
  assert.equal((await views.byId(ANN, 7)).from, 'near')
  assert.equal((await views.byUsername('ann', 7))?.from, 'near')
  assert.deepEqual(asked, [])
  await views.byUsername('ann', 8)
  await views.byId(ANN, 8)
  assert.deepEqual(asked, ['ann', ANN])
})

test('who is found by a hint of somebody else is shown nothing older afterwards', async () => {
  const { users, truth, known, views } = startUsers()
  truth.set(BEN, shown(BEN, 'ben', 5)).set('ann', shown(BEN, 'ann', 6, 'database'))
  await views.byId(BEN)
  assert.equal(users.get(BEN)?.version, 5)
  known.set('ann', ANN)
  assert.equal((await views.byUsername('ann'))?.version, 6)
  assert.equal(users.get(BEN), undefined)
  assert.equal(known.get('ann'), BEN)
})

test('of many, those who are near are not asked for, and nobody is where all are', async () => {
  const { truth, asked, views } = startUsers()
  truth.set(ANN, shown(ANN, 'ann', 7)).set(BEN, shown(BEN, 'ben', 5))
  await views.byId(ANN)
  asked.length = 0
  assert.deepEqual(
    (await views.byIds([BEN, ANN])).map(({ userId, from }) => [userId, from]),
    [
      [BEN, 'redis'],
      [ANN, 'near'],
    ],
  )
  await views.byIds([ANN, BEN])
  assert.deepEqual(asked, [BEN])
})

test('a catalogue that the database gave, which is not kept, takes an older one away', async () => {
  const near = nearCache<'roles', NearCatalogue>(CACHE)
  near.up()
  const answers = [
    { version: 3, roles: [], from: 'redis' as const },
    { version: 4, roles: [], from: 'database' as const },
  ]
  const { catalogue } = nearRoleViews({ catalogue: async () => answers.shift() ?? assert.fail('asked again') }, near)
  assert.equal((await catalogue()).from, 'redis')
  assert.equal((await catalogue(3)).from, 'near')
  assert.equal((await catalogue(4)).from, 'database')
  assert.equal(near.get('roles'), undefined)
})
