import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../ports.ts'
import { type HousekeepingTask, housekeeping } from './housekeeping.ts'

function listening() {
  const said: [level: string, what: object][] = []
  const note = (level: string) => (what: object) => void said.push([level, what])
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } as unknown as Log
  return { said, log }
}
const never = new AbortController().signal
const task = (name: string, run: HousekeepingTask['run']): HousekeepingTask => ({ name, run })

test('tasks are done one after the other, and what each has removed is told', async () => {
  const { said, log } = listening()
  const done: string[] = []
  await housekeeping(
    ['a', 'b', 'c'].map((name, removed) =>
      task(name, async (stop) => {
        done.push(`${name} begins`)
        assert.equal(stop, never)
        await Promise.resolve()
        done.push(`${name} ends`)
        return removed
      }),
    ),
    log,
  )(never)
  assert.deepEqual(done, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  assert.deepEqual(said, [
    ['info', { task: 'b', removed: 1 }],
    ['info', { task: 'c', removed: 2 }],
  ])
})

test('that one fails is told, and keeps none of the others from being done', async () => {
  const { said, log } = listening()
  const run = housekeeping([task('a', () => Promise.reject(new Error('planted'))), task('b', async () => 3)], log)
  await assert.rejects(run(never), /housekeeping failed: a/)
  assert.deepEqual(said, [
    ['warn', { task: 'a', reason: 'Error: planted' }],
    ['info', { task: 'b', removed: 3 }],
  ])
})

test('told to stop, it begins no further task, and is not done', async () => {
  const { log } = listening()
  const stop = new AbortController()
  const done: string[] = []
  const tasks = ['a', 'b'].map((name) =>
    task(name, async () => {
      done.push(name)
      stop.abort()
      return 0
    }),
  )
  await assert.rejects(housekeeping(tasks, log)(stop.signal), { name: 'AbortError' })
  assert.deepEqual(done, ['a'])
})
