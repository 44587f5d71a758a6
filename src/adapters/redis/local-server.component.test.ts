import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { redisBinary, startTestRedis } from '../../../test/support/redis.ts'
import { findRedisServer, type LocalRedis, type LocalRedisOptions, startLocalRedis } from './local-server.ts'
import { ask } from './one-question.ts'

const CONDITION_LIMIT_MS = 5_000

test('starts on a free port, on this machine only, and answers', async (t) => {
  const redis = await startHere(t)
  assert.equal(redis.url, `redis://127.0.0.1:${redis.port}`)
  assert.match(await answer(redis.port, 'PING'), /^\+PONG/)
  assert.equal(await setting(redis.port, 'bind'), '127.0.0.1')
})

test('two servers run side by side', async (t) => {
  const [one, other] = [await startHere(t), await startHere(t)]
  assert.notEqual(one.port, other.port)
})

test('refuses writes rather than evict', async (t) => {
  const { port } = await startHere(t)
  assert.equal(await setting(port, 'maxmemory-policy'), 'noeviction')
  assert.equal(await setting(port, 'appendonly'), 'no')
})

test('keeps its keys across restarts when asked to', async (t) => {
  const dir = await temporary(t)
  const first = await startHere(t, { dir, persist: true })
  await answer(first.port, 'SET kept yes')
  await first.stop()
  const second = await startHere(t, { dir, persist: true })
  assert.match(await answer(second.port, 'GET kept'), /yes/)
})

test('keeps nothing when not asked to', async (t) => {
  const dir = await temporary(t)
  const first = await startHere(t, { dir, persist: false })
  await answer(first.port, 'SET kept yes')
  await first.stop()
  assert.equal(existsSync(join(dir, 'dump.rdb')), false)
})

test('ends even when its snapshot cannot be written', async (t) => {
  const dir = await temporary(t)
  const redis = await startHere(t, { dir, persist: true })
  await answer(redis.port, 'SET kept yes')
  await rm(dir, { recursive: true })
  const before = performance.now()
  await redis.stop()
  assert(performance.now() - before < CONDITION_LIMIT_MS, 'It was killed at its limit')
})

test('stop leaves no process, no port and no pid file, and may be called twice', async (t) => {
  const dir = await temporary(t)
  const redis = await startHere(t, { dir })
  await Promise.all([redis.stop(), redis.stop()])
  assert.equal(isAlive(redis.pid), false)
  assert.equal(await ask(redis.port, 'PING'), undefined)
  assert.equal(existsSync(join(dir, 'redis.pid')), false)
})

test('a frozen server is killed when its time to end is up', async (t) => {
  const redis = await startHere(t, { stopLimitMs: 50 })
  process.kill(redis.pid, 'SIGSTOP')
  await redis.stop()
  assert.equal(isAlive(redis.pid), false)
})

test("the terminal's Ctrl-C does not reach it: it is in a process group of its own", async (t) => {
  const { pid } = await startHere(t)
  const [, , group] = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  assert.equal(Number(group), pid)
})

test('a given port that is taken is refused, with what Redis said', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  t.after(() => taken.close())
  await once(taken, 'listening')
  const address = taken.address()
  assert(address !== null && typeof address === 'object')
  await assert.rejects(startHere(t, { port: address.port }), /already in use/i)
})

test('another server on the given port is not taken for its own', async (t) => {
  const { port } = await startHere(t)
  await assert.rejects(startHere(t, { port }), /did not start on port/)
})

test('a server that cannot be started is an error', async (t) => {
  await assert.rejects(startHere(t, { binary: '/nowhere/redis-server' }), /ENOENT/)
})

test('says when the server ends unasked, and how', async (t) => {
  const ends: string[] = []
  const redis = await startHere(t, { onUnaskedEnd: (how) => void ends.push(how) })
  process.kill(redis.pid, 'SIGKILL')
  await until(() => ends.length > 0)
  assert.deepEqual(ends, ['SIGKILL'])
})

test('a server left behind by a process that was killed is replaced, and its keys are kept', async (t) => {
  const dir = await temporary(t)
  const { owner, redis: left } = await startElsewhere(t, dir)
  await answer(left.port, 'SET kept yes')
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  assert.equal(isAlive(left.pid), true)

  const redis = await startHere(t, { dir, persist: true })
  assert.equal(isAlive(left.pid), false)
  assert.match(await answer(redis.port, 'GET kept'), /yes/)
})

test('a server whose owner lives is left alone, and the folder refused', async (t) => {
  const dir = await temporary(t)
  const { owner, redis } = await startElsewhere(t, dir)
  await assert.rejects(startHere(t, { dir }), new RegExp(`Process ${owner.pid} is running its Redis in`))
  assert.match(await answer(redis.port, 'PING'), /^\+PONG/)
})

test('a process that happens to have the id in the pid file is left alone', async (t) => {
  const dir = await temporary(t)
  const bystander = spawn('sleep', ['60'], { cwd: dir })
  t.after(() => bystander.kill('SIGKILL'))
  await once(bystander, 'spawn')
  await writeFile(join(dir, 'redis.pid'), `${bystander.pid}\n1\n`)
  await startHere(t, { dir })
  assert.equal(bystander.exitCode ?? bystander.signalCode, null)
})

test('a Redis that runs in another folder is left alone', async (t) => {
  const dir = await temporary(t)
  const bystander = await startHere(t)
  await writeFile(join(dir, 'redis.pid'), `${bystander.pid}\n1\n`)
  await startHere(t, { dir })
  assert.match(await answer(bystander.port, 'PING'), /^\+PONG/)
})

test('a pid file of rubbish is ignored', async (t) => {
  const dir = await temporary(t)
  await writeFile(join(dir, 'redis.pid'), '-1 rubbish')
  await startHere(t, { dir })
})

test('the first server on the PATH that is new enough is found, then the fetched one', async (t) => {
  const dir = await temporary(t)
  const toolsDir = join(dir, 'tools')
  const [old, valkey] = [join(dir, 'old'), join(dir, 'valkey')]
  await fakeServer(join(toolsDir, 'valkey', 'valkey-server'), '9.1.2')
  await fakeServer(join(old, 'redis-server'), '6.0.16')
  await fakeServer(join(valkey, 'valkey-server'), '8.0.0')
  await mkdir(join(dir, 'redis'))
  await symlink(redisBinary(), join(dir, 'redis', 'redis-server'))

  const find = (...folders: string[]) => findRedisServer({ path: folders.join(':'), toolsDir })
  assert.equal(find(valkey, join(dir, 'redis')), join(dir, 'redis', 'redis-server'))
  assert.equal(find(old, valkey), join(valkey, 'valkey-server'))
  assert.equal(find(old), join(toolsDir, 'valkey', 'valkey-server'))
  assert.equal(findRedisServer({ path: old, toolsDir: '/nowhere' }), undefined)
})

test("the tests' own Redis can be emptied, and goes with its process", async (t) => {
  const redis = await startTestRedis()
  t.after(redis.stop)
  await answer(redis.port, 'SET key value')
  await redis.flush()
  assert.match(await answer(redis.port, 'DBSIZE'), /^:0/)

  const support = JSON.stringify(join(import.meta.dirname, '../../../test/support/redis.ts'))
  const program = `import { startTestRedis } from ${support}
    const { port, pid } = await startTestRedis()
    console.log(JSON.stringify({ port, pid }))
    process.kill(process.pid, 'SIGKILL')`
  const { redis: other } = await startProgram(t, program)
  await until(() => !isAlive(other.pid))
})

async function startHere(t: TestContext, options: Partial<LocalRedisOptions> = {}): Promise<LocalRedis> {
  const dir = options.dir ?? (await temporary(t))
  const redis = await startLocalRedis({ binary: redisBinary(), persist: false, ...options, dir })
  t.after(redis.stop)
  return redis
}

/** A Redis that belongs to another Node process. Whatever the test does, neither outlives it. */
async function startElsewhere(t: TestContext, dir: string) {
  const options = JSON.stringify({ binary: redisBinary(), dir, persist: true })
  const program = `import { startLocalRedis } from ${JSON.stringify(join(import.meta.dirname, 'local-server.ts'))}
    const { port, pid } = await startLocalRedis(${options})
    console.log(JSON.stringify({ port, pid }))
    setInterval(() => {}, 1_000)`
  return startProgram(t, program)
}

async function startProgram(t: TestContext, program: string) {
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const owner: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: [...stdio] })
  t.after(() => owner.kill('SIGKILL'))
  assert(owner.stdout)
  const [line] = await once(createInterface({ input: owner.stdout }), 'line')
  const redis: { port: number; pid: number } = JSON.parse(line)
  t.after(() => isAlive(redis.pid) && process.kill(redis.pid, 'SIGKILL'))
  return { owner, redis }
}

async function answer(port: number, question: string): Promise<string> {
  return (await ask(port, question)) ?? ''
}

async function setting(port: number, name: string): Promise<string | undefined> {
  return (await answer(port, `CONFIG GET ${name}`)).split('\r\n')[4]
}

/** A process that ended but was not yet waited for counts as ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !existsSync('/proc') || existsSync(`/proc/${pid}/exe`)
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + CONDITION_LIMIT_MS
  while (!condition()) {
    assert(Date.now() < deadline, 'The condition did not come true in time')
    await delay(10)
  }
}

async function temporary(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'local-server-test-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

async function fakeServer(file: string, version: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, `#!/bin/sh\necho "Server v=${version} bits=64"\n`)
  await chmod(file, 0o755)
}
