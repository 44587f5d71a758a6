import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Mode } from '../../domain/strangler.ts'
import { readStarts, WRITE_EVERY_MS, writeStarts } from './starts.ts'

const ignore = () => undefined
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const STARTS = new Map<string, Mode>([
  ['get-user', { mode: 'native' }],
  ['get-roster', { mode: 'canary', percent: 5 }],
])

function start(t: TestContext, { isDown = false } = {}) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const kept = new Map<string, string>()
  let writes = 0
  const redis = {
    async setFor(key: string, value: string) {
      writes += 1
      if (isDown) throw new Error('planted')
      kept.set(key, value)
    },
    async getExpiring(key: string) {
      if (isDown) throw new Error('planted')
      return kept.get(key) ?? null
    },
  }
  return { where: { redis, epoch: 'e' }, kept, writes: () => writes }
}

test('what the replicas start with is written again and again, and read by others', async (t) => {
  const { where, writes } = start(t)
  assert.equal(await readStarts(where), null)
  const { stop } = writeStarts(where, STARTS, LOG)
  assert.deepEqual(await readStarts(where), STARTS)
  t.mock.timers.tick(2 * WRITE_EVERY_MS)
  assert.equal(writes(), 3)
  stop()
  t.mock.timers.tick(WRITE_EVERY_MS)
  assert.equal(writes(), 3)
})

test('without Redis nothing fails, and nothing is known', async (t) => {
  const { where } = start(t, { isDown: true })
  writeStarts(where, STARTS, LOG).stop()
  assert.equal(await readStarts(where), null)
})

test('what cannot be read is not known; a mode that there is not is left out', async (t) => {
  const { where, kept } = start(t)
  for (const [text, expected] of [
    ['{', null],
    ['null', []],
    ['{"a":{"mode":"half"},"b":{"mode":"native"}}', [['b', { mode: 'native' }]]],
  ] as const) {
    kept.set('{usr0}:e:evidence:starts', text)
    const starts = await readStarts(where)
    assert.deepEqual(starts && [...starts], expected)
  }
})
