import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { developmentKey, publicHalf } from './development-key.ts'

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-key-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

test('it is made once, for its owner only, also in a folder that is not there', async (t) => {
  const dir = await folder(t)
  const file = join(dir, 'new', 'key.json')
  const umask = process.umask(0)
  const key = await developmentKey(file).finally(() => process.umask(umask))
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await developmentKey(file), key)
  assert.deepEqual(await readdir(join(dir, 'new')), ['key.json'], 'no draft is left behind')
  assert.deepEqual([key.kty, key.crv, key.alg, typeof key.d], ['EC', 'P-256', 'ES256', 'string'])
})

test('its public half holds nothing of the other', async (t) => {
  const key = await developmentKey(join(await folder(t), 'key.json'))
  const half = publicHalf(key)
  assert.deepEqual(Object.keys(half).sort(), ['alg', 'crv', 'kid', 'kty', 'x', 'y'])
  assert.equal(JSON.stringify(half).includes(String(key.d)), false)
})

test('of several at once all have the same one', async (t) => {
  const file = join(await folder(t), 'key.json')
  const here = Array.from({ length: 20 }, () => developmentKey(file))
  assert.equal(new Set((await Promise.all(here)).map(({ kid }) => kid)).size, 1)
})

test('also of several processes', async (t) => {
  const file = join(await folder(t), 'key.json')
  const script = `const { developmentKey } = await import(${JSON.stringify(join(import.meta.dirname, 'development-key.ts'))})
    process.stdout.write((await developmentKey(${JSON.stringify(file)})).kid)`
  const one = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const kids = (await Promise.all([one(), one(), one()])).map(({ stdout }) => stdout)
  assert.equal(new Set(kids).size, 1)
  assert.equal(JSON.parse(await readFile(file, 'utf8')).kid, kids[0])
})

test('one that others may read, or that is none, is not used; a sentence says what to do', async (t) => {
  const file = join(await folder(t), 'key.json')
  await developmentKey(file)
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(file, mode)
    await assert.rejects(developmentKey(file), {
      expected: true,
      message: `${file} may be read by others; delete it, and another is made.`,
    })
  }
  await chmod(file, 0o600)
  for (const text of ['', '{', 'null', '[]', '{"kid":"x"}']) {
    await writeFile(file, text)
    await assert.rejects(developmentKey(file), {
      expected: true,
      message: `${file} holds no key; delete it, and another is made.`,
    })
  }
})
