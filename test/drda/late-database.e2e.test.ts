import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { openDrda } from '../contract/drda.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { DRDA_USER, type DrdaServer, drdaMissing, startDrdaServer } from '../support/drda/server.ts'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Two processes at once on a machine with much else to do. */
const START_LIMIT_MS = 120_000

type Started = {
  child: ChildProcess
  ended: Promise<unknown[]>
  /** Of its log, by what they say. */
  lines(message: string): number
  at(port: 'api' | 'metrics', path: string): Promise<Response | null>
}

describe('a database that is away when a process starts', { skip: drdaMissing() ?? false }, () => {
  let server: DrdaServer
  let redis: Awaited<ReturnType<typeof startTestRedis>>
  before(async () => {
    server = await startDrdaServer()
    redis = await startTestRedis()
  })
  after(async () => {
    await redis?.stop()
    await server?.stop()
  })

  const urlOf = (port: number, name: string, password = DRDA_USER) =>
    `ibmdb://${DRDA_USER}:${password}@127.0.0.1:${port}/${name}?server=derby`

  async function start(t: Owner, url: string, ...args: string[]): Promise<Started> {
    const folder = await mkdtemp(join(tmpdir(), 'late-database-'))
    const ports = { api: await freePort(), metrics: await freePort() }
    const env = {
      ...{ PATH: process.env.PATH, LOG_LEVEL: 'info', DATA_DIR: folder, REDIS_URL: redis.url, DATABASE_URL: url },
      ...{ PORT: String(ports.api), METRICS_PORT: String(ports.metrics) },
      // A server that has just been started is slow on a busy machine, which must not pass for one that is away.
      ...{ DATABASE_READ_PROCESSES: '1', DATABASE_READ_TIMEOUT_MS: '30000', DATABASE_CONNECT_TIMEOUT_MS: '30000' },
    }
    const child = spawn(process.execPath, ['src/main.ts', ...args], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout?.on('data', (some: Buffer) => {
      said += some
    })
    const ended = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    })
    return {
      child,
      ended,
      lines: (message) => said.split('\n').filter((line) => line.includes(`"msg":"${message}"`)).length,
      at: (port, path) => fetch(`http://127.0.0.1:${ports[port]}${path}`).catch(() => null),
    }
  }
  const lives = ({ at }: Started, port: 'api' | 'metrics') =>
    until(`it lives, at the port of its ${port}`, async () => (await at(port, '/health/live'))?.ok, START_LIMIT_MS)
  const saysSo = ({ lines }: Started, message: string) =>
    until(`it says: ${message}`, async () => lines(message) > 0, START_LIMIT_MS)

  test('it is waited for: alive, not ready, and there when it is', async (context) => {
    const t = lastFirst(context)
    const url = urlOf(server.port, server.makeDatabase())
    await server.kill()
    t.after(server.start)
    const [api, worker] = await Promise.all([start(t, url, 'serve'), start(t, url, 'work', 'project')])
    await Promise.all([lives(api, 'api'), lives(worker, 'metrics')])
    await Promise.all([saysSo(api, 'waiting for the database'), saysSo(worker, 'waiting for the database')])

    const ready = await api.at('api', '/health/ready')
    assert.ok(ready)
    assert.equal(ready.status, 503)
    const { checks } = (await ready.json()) as { checks: Record<string, { state: string }> }
    assert.deepEqual(
      Object.entries(checks).map(([name, { state }]) => [name, state]),
      [['database', 'failing']],
    )
    assert.match((await (await api.at('metrics', '/metrics'))?.text()) ?? '', /^users_ready 0$/m)
    const refused = await api.at('api', '/v1/users/1')
    assert.ok(refused)
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '5'])
    assert.equal(((await refused.json()) as { code: string }).code, 'database-unavailable')

    await server.start()
    await until('it is ready', async () => (await api.at('api', '/health/ready'))?.ok, START_LIMIT_MS)
    await saysSo(worker, 'working')
    assert.equal((await api.at('api', '/v1/users/1'))?.status, 401)
    for (const { lines } of [api, worker])
      assert.deepEqual([lines('waiting for the database'), lines('the database answers')], [1, 1])
    for (const { child } of [api, worker]) child.kill('SIGTERM')
    assert.deepEqual(await Promise.all([api.ended, worker.ended]), [
      [0, null],
      [0, null],
    ])
  })

  test('who is told to stop while waiting ends, and well', async (context) => {
    const t = lastFirst(context)
    const url = urlOf(server.port, server.makeDatabase())
    await server.kill()
    t.after(server.start)
    const all = await Promise.all([start(t, url, 'serve'), start(t, url, 'work', 'jobs')])
    await Promise.all(all.map((each) => saysSo(each, 'waiting for the database')))
    for (const { child } of all) child.kill('SIGTERM')
    for (const { ended } of all) assert.deepEqual(await ended, [0, null])
  })

  async function endsSaying(t: Owner, url: string, sentence: RegExp, ...args: string[]): Promise<void> {
    const { child, ended, lines } = await start(t, url, ...args)
    assert.ok(child.stderr)
    const [said, [code]] = await Promise.all([text(child.stderr), ended])
    assert.match(said, sentence)
    assert.doesNotMatch(said, /\n./)
    assert.deepEqual([code, lines('waiting for the database')], [1, 0])
  }

  test('what no waiting mends ends the process with a sentence', async (context) => {
    const t = lastFirst(context)
    const strict = await startDrdaServer({ password: 'right' })
    t.after(strict.stop)
    const url = urlOf(strict.port, strict.makeDatabase(), 'wrong')
    await endsSaying(t, url, /^The database cannot be used with what DATABASE_URL says .*-30082/, 'serve')

    const name = server.makeDatabase()
    const database = openDrda(server, name)
    t.after(database.close)
    await database.execute('DELETE FROM service_epoch')
    await endsSaying(t, urlOf(server.port, name), /^service_epoch has no row/, 'work', 'jobs')
  })

  test('who runs everything by hand is told at once', async (context) => {
    const t = lastFirst(context)
    await endsSaying(t, urlOf(await freePort(), 'T1'), /^The database does not answer: is it running, /, 'all')
  })
})
