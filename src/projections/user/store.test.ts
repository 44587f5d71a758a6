import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someUser } from '../../../test/support/users.ts'
import type { LuaScript, ReadModelRedis } from '../../ports/redis.ts'
import { readModelKeys } from '../keys.ts'
import { encodeTerms, projectUser } from './project.ts'
import { userReadModel } from './store.ts'

const keys = readModelKeys('store')
const HELD_TERMS = 5

/** The entries over a Redis whose scripts answer this, call after call; the last answer stands. */
function start(...answers: unknown[]) {
  const calls: { script: string; args: unknown[] }[] = []
  const run = async ({ name }: LuaScript, _keys: string[], args: unknown[]) => {
    calls.push({ script: name, args })
    return answers[Math.min(calls.length, answers.length) - 1]
  }
  const redis = { run, runForReader: run, hmget: async () => [null], set: async () => undefined }
  const model = userReadModel({ redis: redis as unknown as ReadModelRedis, keys, schemas: { others: async () => [] } })
  return { ...model, calls }
}

test('whose terms were moved by somebody else is applied over what they are now', async () => {
  const moved = encodeTerms({ username: 'ann', name: 'lee ann', branches: ['B009'] })
  const { apply, calls } = start(['moved', moved], ['applied'], 1)
  assert.equal(await apply(projectUser(someUser()), 'i'), true)
  assert.deepEqual(
    calls.map(({ script }) => script),
    ['apply-n', 'apply-n', 'release-1'],
  )
  assert.deepEqual(
    calls.slice(0, 2).map(({ args }) => args[1 + HELD_TERMS]),
    ['', moved],
  )
})

test('terms that never stand still are given up, and said so', async () => {
  const { apply, calls } = start(['moved', ''])
  await assert.rejects(apply(projectUser(someUser()), 'i'), /the index terms of user 7 kept moving/)
  assert.equal(calls.length, 5)
})

test('another life of Redis is told to whoever writes or wants to fill, whatever they write', async () => {
  const other = { name: 'OtherIncarnationError' }
  await assert.rejects(start(['incarnation']).apply(projectUser(someUser()), 'i'), other)
  await assert.rejects(start(['incarnation']).lease(7, 'i', 0), other)
  await assert.rejects(start('incarnation').ghost(7, 'i', 'lease'), other)
})

test('a ghost that finds no room, or comes too late, is not remembered', async () => {
  for (const [answer, isKept] of [
    ['applied', true],
    ['full', false],
    ['older', false],
    ['lease', false],
  ] as const)
    assert.equal(await start(answer).ghost(7, 'i', 'lease'), isKept, answer)
})
