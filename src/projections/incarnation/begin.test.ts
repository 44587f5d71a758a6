import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { beginner } from './begin.ts'

const keys = readModelKeys('begin')

function start({ runId, begun }: { runId: string | null; begun: number }) {
  const ran: unknown[][] = []
  const replaced: (string | null)[] = []
  const ignore = () => undefined
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const redis = {
    runId: () => runId,
    run: async (_script: unknown, _keys: string[], args: unknown[]) => {
      ran.push(args)
      return begun
    },
    refreshIncarnation: async () => null,
  } as unknown as ReadModelRedis
  const incarnations = {
    recorded: async () => new Map([[0, 'recorded.run']]),
    replace: async (_tag: string, _index: number, from: string | null) => replaced.push(from) > 0,
  }
  return { begin: beginner({ redis, keys, incarnations, log }), ran, replaced }
}

test('a server that goes away before it has said who it is gets no incarnation', async () => {
  const { begin, ran, replaced } = start({ runId: null, begun: 1 })
  assert.equal(await begin(keys.home, 'held.run', 'empty'), null)
  assert.deepEqual([ran, replaced], [[], []])
})

test('one is recorded in place of that which is recorded, and says on which server it was begun', async () => {
  const { begin, replaced } = start({ runId: 'run', begun: 1 })
  assert.match((await begin(keys.home, 'held.run', 'replayed')) ?? '', /^[0-9a-f]{12}\.run$/)
  assert.deepEqual(replaced, ['recorded.run'])
})

test('who comes second records nothing', async () => {
  const { begin, ran, replaced } = start({ runId: 'run', begun: 0 })
  assert.equal(await begin(keys.home, 'held.run', 'empty'), null)
  assert.deepEqual([ran.length, replaced], [1, []])
})

test('what is only being emptied is not recorded: nobody is to believe it', async () => {
  const { begin, replaced } = start({ runId: null, begun: 1 })
  assert.match((await begin(keys.home, 'held.run', 'emptying')) ?? '', /\.emptying$/)
  assert.deepEqual(replaced, [])
})
