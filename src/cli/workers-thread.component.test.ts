import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from '../config.ts'
import { startWorkersThread } from './workers-thread.ts'

test('a thread that has failed is told of, has built nothing, and can still be stopped', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-thread-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'users.db'), 'This is some text, and certainly no database. '.repeat(100))
  const thread = startWorkersThread(readConfig({ DATA_DIR: dir, REDIS_URL: 'redis://127.0.0.1:1' }))
  const built = thread.built(() => undefined)
  const failure = await new Promise<Error>((resolve) => thread.onFailure(resolve))
  assert.match(failure.message, /users\.db cannot be opened/)
  assert.equal(await built, false)
  await thread.stop()
})
