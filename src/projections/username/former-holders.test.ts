import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysOf, readModelKeys } from '../keys.ts'
import { formerHolders } from './former-holders.ts'

const keys = readModelKeys('holders')
const NEXT = keysOf('holders', '999p3')
const ANN = 'Ann.Lee'

/** Hints of two releases, and who exists at which version. */
function start(hints: { own?: string; next?: string }, versions: Record<number, number>) {
  const stored = new Map([
    [keys.username(ANN), hints.own],
    [NEXT.username(ANN), hints.next],
  ])
  const asked: number[][] = []
  const fenced: [userId: number, version: number][] = []
  const find = formerHolders({
    ...{ keys, schemas: { others: async () => [NEXT] } },
    redis: { get: async (key) => stored.get(key) ?? null },
    truth: {
      versions: async (userIds) => {
        asked.push(userIds)
        return new Map(userIds.map((userId) => [userId, versions[userId] ?? 0]))
      },
    },
    users: {
      fence: async (userId, version) => {
        fenced.push([userId, version])
        return true
      },
    },
  })
  return { find: (userId: number) => find(ANN, userId), asked, fenced }
}

test('whoever any release finds by the name is fenced at their present version, and told', async () => {
  const { find, asked, fenced } = start({ own: '7', next: '8' }, { 7: 3, 8: 9 })
  assert.deepEqual(await find(5), [7, 8])
  assert.deepEqual(asked, [[7, 8]])
  assert.deepEqual(fenced, [
    [7, 3],
    [8, 9],
  ])
})

test('one whom two releases find is fenced once', async () => {
  const { find, fenced } = start({ own: '7', next: '7' }, { 7: 3 })
  assert.deepEqual(await find(5), [7])
  assert.deepEqual(fenced, [[7, 3]])
})

test('whoever never existed is told, and not fenced: an entry would stand for nobody', async () => {
  const { find, fenced } = start({ own: '7', next: '8' }, { 8: 1 })
  assert.deepEqual(await find(5), [7, 8])
  assert.deepEqual(fenced, [[8, 1]])
})

for (const [what, hints] of Object.entries({
  'nobody is found by it': {},
  'it leads to whom it was given': { own: '5', next: '5' },
  'its hint is no id': { own: 'x', next: '0' },
  'its hint is no number that is an id': { own: '-7', next: '1.5' },
  'its hint is larger than any id': { own: '9007199254740993' },
})) {
  test(`where ${what}, nothing is asked and nobody fenced`, async () => {
    const { find, asked, fenced } = start(hints, { 7: 3 })
    assert.deepEqual([await find(5), asked, fenced], [[], [], []])
  })
}
