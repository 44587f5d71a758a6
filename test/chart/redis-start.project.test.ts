import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { CHART } from '../../scripts/chart/write.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { ask } from '../../src/adapters/redis/one-question.ts'
import { redisBinary } from '../support/redis.ts'

const PASSWORD = 'abcDEF123'
const DEADLINE_MS = 10_000

const SCRIPT = join(CHART, 'files', 'redis-start.sh')

test('a server that is started as in its pod asks for the password, gives the least rights, and drops nothing', async (t) => {
  const { environment, port, folder } = await layOut(t)
  await start(t, environment, port)
  const ours = await connect(t, port)
  assert.equal(await ours.set('{usr0}:x', '1'), 'OK')
  assert.match(await ours.info('memory'), /maxmemory:33554432\r\n(.*\r\n)*maxmemory_policy:noeviction/)
  await assert.rejects(ours.set('others', '1'), /NOPERM/)
  await assert.rejects(ours.flushall(), /NOPERM/)
  await assert.rejects(ours.config('GET', '*'), /NOPERM/)
  // The probe's way, where the client's program is there as it is in the image.
  const ping = (more: NodeJS.ProcessEnv) =>
    spawnSync('sh', [SCRIPT, 'ping'], { env: { ...environment, ...more } }).status
  if (spawnSync('sh', ['-c', 'command -v valkey-cli || command -v redis-cli']).status === 0) {
    assert.equal(ping({}), 0)
    assert.notEqual(ping({ REDIS_PASSWORD_FILE: join(folder, 'wrong') }), 0)
  }
})

test('with persistence a server that was killed has again what it had a second before', async (t) => {
  const { environment, port } = await layOut(t, 'yes')
  const server = await start(t, environment, port)
  const before = await connect(t, port)
  await before.set('{usr0}:x', '1')
  await wait(1_500)
  server.kill('SIGKILL')
  await once(server, 'exit')
  await start(t, environment, port)
  assert.equal(await (await connect(t, port)).get('{usr0}:x'), '1')
})

async function start(t: TestContext, env: NodeJS.ProcessEnv, port: number): Promise<ChildProcess> {
  const server = spawn('sh', [SCRIPT], { env, stdio: 'ignore' })
  t.after(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGTERM')
    await once(server, 'exit')
  })
  const until = Date.now() + DEADLINE_MS
  while (!(await ask(port, 'PING').catch(() => null))?.startsWith('-NOAUTH')) {
    assert.ok(Date.now() < until && server.exitCode === null, 'it did not come up')
    await wait(50)
  }
  return server
}

async function connect(t: TestContext, port: number): Promise<Redis> {
  const options = { port, username: 'users-service', password: PASSWORD, protocol: 2 as const }
  const redis = new Redis({ ...options, lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => undefined)
  t.after(() => redis.disconnect())
  await redis.connect()
  return redis
}

type LaidOut = { environment: NodeJS.ProcessEnv; port: number; folder: string }

/** The folders of the pod, beneath one of ours; the settings as the chart's template has them. */
async function layOut(t: TestContext, persistence: 'yes' | 'no' = 'no'): Promise<LaidOut> {
  const folder = await mkdtemp(join(tmpdir(), 'chart-redis-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const [settings, run, data, bin] = ['settings', 'run', 'data', 'bin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const path of [settings, run, data, bin]) await mkdir(path)
  const template = await readFile(join(CHART, 'templates', '_redis.tpl'), 'utf8')
  const [, conf = ''] = /define "users-service\.redis-conf" -\}\}\n([\s\S]*?)\{\{- end \}\}/.exec(template) ?? []
  const text = conf
    .replace('{{ .maxMemoryMiB }}', '32')
    .replace(/\{\{ ternary .* \}\}/, persistence)
    // Where there are several: redis-group.check.ts.
    .replace('{{- include "users-service.redis-group-conf" . }}', '')
    .replace('port 6379', `port ${port}`)
    .replace('bind * -::*', 'bind 127.0.0.1')
    .replace('/run/redis', run)
    .replace('dir /data', `dir ${data}`)
  assert.ok(!text.includes('{{'), text)
  await writeFile(join(settings, 'redis.conf'), text)
  await writeFile(join(settings, 'rights'), await readFile(join(CHART, 'files', 'redis-rights.txt'), 'utf8'))
  await writeFile(join(folder, 'password'), PASSWORD)
  await writeFile(join(folder, 'wrong'), 'other')
  await symlink(redisBinary(), join(bin, 'redis-server'))
  const environment = {
    PATH: `${bin}:${process.env.PATH}`,
    REDIS_SETTINGS: settings,
    REDIS_RUN: run,
    REDIS_PASSWORD_FILE: join(folder, 'password'),
    REDIS_PORT: String(port),
  }
  return { environment, port, folder }
}
