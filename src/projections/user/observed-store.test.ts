import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOBODY } from './bodies.ts'
import { observedReadModel } from './observed-store.ts'
import { projectGone } from './project.ts'
import { OtherIncarnationError, type UserReadModel } from './store.ts'

const SOMEBODY = { userId: 1, version: 3, bodies: NOBODY, terms: { username: 'ann', name: 'lee ann', branches: [] } }
const STORED = { version: 3, bodies: NOBODY }

/** What is told of an entry's store that answers this to every call. */
function told(answer: () => Promise<unknown>) {
  const heard: string[] = []
  const store = { apply: answer, lease: answer, ghost: answer, fence: answer } as unknown as UserReadModel
  return { heard, users: observedReadModel(store, { wrote: (what, outcome) => void heard.push(`${what} ${outcome}`) }) }
}
const all = async ({ users }: ReturnType<typeof told>) => [
  await users.apply(SOMEBODY, 'i'),
  await users.apply(projectGone(1, 3), 'i'),
  await users.apply(SOMEBODY, 'i', 'lease'),
  await users.ghost(1, 'i', 'lease'),
  await users.fence(1, 3),
]

test('each write is told by its kind and what became of it, and answers the same', async () => {
  for (const [answer, outcomes] of [
    [true, ['apply applied', 'bury applied', 'fill applied', 'ghost applied', 'fence applied']],
    [false, ['apply older', 'bury older', 'fill refused', 'ghost refused', 'fence older']],
  ] as const) {
    const store = told(async () => answer)
    assert.deepEqual(await all(store), Array(5).fill(answer))
    assert.deepEqual(store.heard, outcomes)
  }
})

test('a lease is granted, taken, or not needed', async () => {
  for (const [answer, outcome] of [
    [{ lease: 'x' }, 'granted'],
    ['taken', 'taken'],
    [{ stored: STORED }, 'stored'],
  ] as const) {
    const store = told(async () => answer)
    assert.equal(await store.users.lease(1, 'i', 0), answer)
    assert.deepEqual(store.heard, [`lease ${outcome}`])
  }
})

test('what is rejected is told apart from another life of Redis, and rejects the same', async () => {
  for (const [error, outcome] of [
    [new OtherIncarnationError(), 'incarnation'],
    [new Error('gone'), 'failed'],
  ] as const) {
    const store = told(() => Promise.reject(error))
    await assert.rejects(store.users.apply(SOMEBODY, 'i'), error)
    await assert.rejects(store.users.lease(1, 'i', 0), error)
    await assert.rejects(store.users.fence(1, 3), error)
    // A fence is for every life.
    assert.deepEqual(store.heard, [`apply ${outcome}`, `lease ${outcome}`, 'fence failed'])
  }
})
