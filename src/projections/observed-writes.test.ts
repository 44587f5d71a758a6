import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RoleStore, UserStore } from '../ports.ts'
import { observedWrites } from './observed-writes.ts'

type Answer = { visible: boolean; answer?: object }

/** Stores that note what they were given, and answer so, or fail. */
function start(answer: Answer | Error) {
  const done: unknown[][] = []
  const told: [isReplay: boolean, visible: boolean][] = []
  const store =
    (name: string) =>
    async (...given: unknown[]) => {
      done.push([name, ...given])
      if (answer instanceof Error) throw answer
      return answer
    }
  const users = { update: store('update'), updateWithRoles: store('with roles'), register: store('register') }
  const stores = observedWrites(
    { users: users as unknown as UserStore, roles: { update: store('role') } as unknown as RoleStore },
    { written: (isReplay, visible) => void told.push([isReplay, visible]) },
  )
  const writes = [stores.users.update, stores.users.updateWithRoles, stores.users.register, stores.roles.update]
  const all = writes as unknown as ((...given: unknown[]) => Promise<Answer>)[]
  return { all, done, told }
}

test('each write is passed on as it was given, its answer back, and told', async () => {
  for (const [answer, said] of [
    [{ visible: true }, [false, true]],
    [{ visible: false, answer: {} }, [true, false]],
  ] as const) {
    const { all, done, told } = start(answer)
    for (const write of all) assert.equal(await write(7, 'by', 'decide'), answer)
    assert.deepEqual(
      done,
      ['update', 'with roles', 'register', 'role'].map((name) => [name, 7, 'by', 'decide']),
    )
    assert.deepEqual(told, [said, said, said, said])
  }
})

test('what failed was not written, and is not told', async () => {
  const gone = new Error('gone')
  const { all, told } = start(gone)
  for (const write of all) await assert.rejects(write(), gone)
  assert.deepEqual(told, [])
})
