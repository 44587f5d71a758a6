// The image without a container engine: `make test-image`. Carries out what the Dockerfile says on a Debian of its own, and runs the result as
// the image's user with a read-only root. IMAGE_WITH_INFORMIX=1 takes IBM's driver in.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import {
  type Container,
  type ContainerOptions,
  runContainer,
  runWritable,
  startContainer,
  userOf,
} from '../../scripts/image/container.ts'
import { treeFaults } from '../../scripts/image/tree-faults.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { DRDA_USER, drdaMissing, startDrdaServer } from '../support/drda/server.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { startTestRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { build, type Rig, ROOT, rehearsalMissing } from './rehearsal-rig.ts'

const write = (text: string) => void process.stderr.write(text)
const missing = rehearsalMissing(write)
const withInformix = process.env.IMAGE_WITH_INFORMIX === '1'
/** Three registries are asked, and 40 MB of a driver fetched. */
const BUILDING = { timeout: 600_000 }
const START_LIMIT_MS = 30_000

describe('the image', { skip: missing ?? false }, () => {
  let [rig, redis, issuer] = [] as unknown as [Rig, TestRedis, TestIssuer]
  before(async () => {
    rig = build({ WITH_INFORMIX: withInformix ? '1' : '0' }, write)
    ;[redis, issuer] = await Promise.all([startTestRedis(), startIssuer()])
  }, BUILDING)
  const running: Container[] = []
  const start = async (given: ContainerOptions): Promise<Container> => {
    const container = await startContainer(given)
    running.push(container)
    return container
  }
  afterEach(async () => {
    for (const container of running.splice(0)) await container.kill()
  })
  after(async () => {
    await Promise.all([redis?.stop(), issuer?.close()])
    rig?.close()
  })

  /** On loopback alone, unlike the image's own setting: others share this machine. */
  const settings = (port: number) => ({
    ...{ HOST: '127.0.0.1', PORT: String(port), REDIS_URL: redis.url, LOG_LEVEL: 'warn' },
    ...issuer.environment,
  })
  const fresh = () => mkdtempSync(join(rig.folder, 'container-'))
  const options = (port: number, more: Partial<ContainerOptions> = {}): ContainerOptions => ({
    ...{ image: rig.image, folder: fresh(), env: settings(port) },
    ...more,
  })

  test('holds what it must, and nothing else; nothing of it may be written', () => {
    const packageLock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
    const [user] = userOf(rig.image)
    assert.deepEqual(
      treeFaults({ root: rig.image.added, user: Number(user), wanted: rig.wanted, packageLock, withInformix }),
      [],
    )
    const writable = found('-writable ! -type l')
    assert.deepEqual(writable.trim().split('\n'), ['/tmp'])
    const gaining = found('-perm /6000 -type f')
    assert.equal(gaining, '')
    write(`sizes in MiB, of what stands on Debian:\n${sizes()}`)
  })
  /** What it may not look into does not count. */
  const found = (what: string) =>
    runWritable(rig.image, fresh(), ['sh', '-c', `find / -xdev ${what} 2>/dev/null || true`])
  const sizes = () => runWritable(rig.image, fresh(), ['sh', '-c', SIZES])

  test('its name is a command, which says who it is', () => {
    const settled = runContainer(options(0, { command: ['config'] }))
    assert.match(settled, /DATA_DIR/)
    const named = runWritable(rig.image, fresh(), ['users-service', '--help'])
    assert.match(named, /Usage: users-service/)
    const me = runWritable(rig.image, fresh(), ['node', '-p', 'os.userInfo().username + process.versions.node'])
    assert.equal(me.trim(), `users-service${process.versions.node}`)
  })

  test('what Node has compiled is found', () => {
    const debug = { ...settings(0), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' }
    const said = runContainer(options(0, { command: ['--help'], env: debug }))
    const told = (what: string) => said.split('\n').filter((line) => line.includes(what)).length
    assert.ok(told('was accepted') > 100, `${told('was accepted')} accepted`)
    assert.equal(told('was not accepted') + told('cache was rejected'), 0)
  })

  test('serves, reads, shows its pages, is healthy, and ends in time with a request in flight', async () => {
    const port = await freePort()
    const folder = fresh()
    runContainer(options(port, { folder, command: ['seed', '--users', '50'] }))
    const container = await start(options(port, { folder }))
    await started(container, port)
    assert.deepEqual(container.healthy(), { status: 0, said: '' })
    assert.equal((await get(port, '/health/ready')).status, 200)
    const token = issuer.token({ scope: 'users:read users:pii users:write' })
    const user = await get(port, '/v1/users/1', token)
    assert.equal(user.status, 200, container.said())
    assert.equal(JSON.parse(user.body).userId, 1)
    await pagesAreWhole(port)

    const answer = patchInFlight(port, token, () => container.signal('SIGTERM'))
    const begun = Date.now()
    assert.match(await answer, /^HTTP\/1\.1 200 /)
    assert.equal(await container.ended, 0, container.said())
    assert.ok(Date.now() - begun < 10_000, 'within SHUTDOWN_GRACE_MS')
    assert.deepEqual(readdirSync(join(folder, 'tmp')), [])
    assert.ok(readdirSync(join(folder, 'data')).length > 0)
    assert.doesNotMatch(container.said(), /EROFS|EACCES|read-only file system/i)
  })

  test('a worker is healthy by its metrics, and ends with 0', async () => {
    const metrics = await freePort()
    const env = { ...settings(0), METRICS_PORT: String(metrics), LOG_LEVEL: 'info' }
    const container = await start(options(0, { env, command: ['work', 'project'] }))
    await until('it is healthy', async () => container.healthy().status === 0, START_LIMIT_MS)
    // It hears SIGTERM only then.
    await until('it works', async () => container.said().includes('"msg":"working"'), START_LIMIT_MS)
    container.signal('SIGTERM')
    assert.equal(await container.ended, 0, container.said())
  })

  test('told to stop while it starts, it stops; zombies of others are taken away', async () => {
    const port = await freePort()
    const early = await start(options(port))
    // Before it has made its child, tini is deaf itself: some milliseconds.
    await until('Node starts', async () => childrenOf(early.pid).length > 0)
    early.signal('SIGTERM')
    const begun = Date.now()
    assert.notEqual(await early.ended, null)
    assert.ok(Date.now() - begun < 2_000, `${Date.now() - begun} ms`)

    const container = await start(options(port))
    await started(container, port)
    container.exec(['sh', '-c', 'for n in 1 2 3; do (sleep 0.2 &); done'])
    await until('no zombie is left', async () => {
      const { said } = container.exec(['sh', '-c', 'cat /proc/[0-9]*/stat'])
      return !/^\d+ \(sleep\)/m.test(said)
    })
    container.signal('SIGTERM')
    assert.equal(await container.ended, 0)
  })

  test('all of it in one container, to try it out; not well when it does not answer', async () => {
    const port = await freePort()
    const { HOST, PORT, REDIS_URL } = settings(port)
    const container = await start(
      options(port, { env: { HOST, PORT, REDIS_URL }, command: ['all', '--seed-users', '50'] }),
    )
    await started(container, port)
    const { status, said: token } = container.exec(['users-service', 'token', '--scope', 'users:read'])
    assert.equal(status, 0, token)
    assert.equal((await get(port, '/v1/users/1', token.trim())).status, 200)
    const [node = container.pid] = childrenOf(container.pid)
    process.kill(node, 'SIGSTOP')
    const frozen = container.healthy()
    process.kill(node, 'SIGCONT')
    assert.deepEqual([frozen.status, /no answer within 2000 ms/.test(frozen.said)], [1, true], frozen.said)
    container.signal('SIGTERM')
    assert.equal(await container.ended, 0, container.said())
  })

  test("with IBM's driver it serves a database over DRDA", { skip: driverSkipped() }, async (t) => {
    const server = await startDrdaServer()
    t.after(server.stop)
    const port = await freePort()
    const folder = fresh()
    const url = `ibmdb://${DRDA_USER}:${DRDA_USER}@127.0.0.1:${server.port}/${server.makeDatabase()}?server=derby`
    const container = await start(options(port, { folder, env: { ...settings(port), DATABASE_URL: url } }))
    await started(container, port)
    const token = issuer.token({ scope: 'users:read users:write' })
    const made = await post(port, '/v1/users', token, {
      username: 'new.colleague',
      givenName: 'Zoë',
      familyName: 'Newman',
    })
    assert.equal(made.status, 201, `${made.body}\n${container.said()}`)
    const { userId } = JSON.parse(made.body)
    const user = JSON.parse((await get(port, `/v1/users/${userId}`, token)).body)
    assert.equal(user.givenName, 'Zoë')
    container.signal('SIGTERM')
    assert.equal(await container.ended, 0, container.said())
    // Neither the driver nor the service has anything to keep: an Informix and an issuer are named.
    assert.deepEqual([readdirSync(join(folder, 'tmp')), readdirSync(join(folder, 'data'))], [[], []])
    assert.doesNotMatch(container.said(), /EROFS|EACCES|read-only file system/i)
  })
})

function driverSkipped(): string | false {
  return withInformix ? (drdaMissing() ?? false) : 'IMAGE_WITH_INFORMIX=1 takes it in'
}

async function post(
  port: number,
  path: string,
  token: string,
  body: object,
): Promise<{ status: number; body: string }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: answer.status, body: await answer.text() }
}

const SIZES = `for each in /usr/local /app /app/node_modules /app/.compiled /app/src /app/.tools; do
  [ -e $each ] && du -smx $each; done; du -smx / | sed 's/$/ (all, Debian among it)/'`

/** As this machine numbers them. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

async function started(container: Container, port: number): Promise<void> {
  await until(
    'it answers',
    async () => (await get(port, '/health/live').catch(() => ({ status: 0 }))).status === 200,
    START_LIMIT_MS,
  ).catch((error) => {
    throw new Error(`${(error as Error).message}: ${container.said()}`)
  })
}

async function get(port: number, path: string, token?: string): Promise<{ status: number; body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return { status: answer.status, body: await answer.text() }
}

async function pagesAreWhole(port: number): Promise<void> {
  const page = await fetch(`http://127.0.0.1:${port}/docs/`)
  assert.equal(page.status, 200)
  const links = [...(await page.text()).matchAll(/(?:src|href)="([^"#]+)"/g)].map(
    ([, link = '']) => new URL(link, page.url),
  )
  assert.ok(links.length >= 4, `${links.length} links`)
  for (const link of [...links, new URL('/docs/json', page.url)]) {
    const asset = await fetch(link)
    assert.equal(asset.status, 200, link.pathname)
    assert.notEqual((await asset.arrayBuffer()).byteLength, 0)
  }
}

/** Half of it is sent, then what `meanwhile` does happens, then the rest. Answers what came back. */
function patchInFlight(port: number, token: string, meanwhile: () => void): Promise<string> {
  const body = '{"jobTitle":"Trainee"}'
  const head = [
    'PATCH /v1/users/1 HTTP/1.1',
    ...[`host: 127.0.0.1:${port}`, `authorization: Bearer ${token}`],
    ...['content-type: application/json', `content-length: ${body.length}`, '', ''],
  ].join('\r\n')
  return new Promise((resolve, reject) => {
    let said = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(head + body.slice(0, 5))
      setTimeout(meanwhile, 100)
      setTimeout(() => socket.write(body.slice(5)), 300)
    })
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('close', () => resolve(said))
    socket.on('error', reject)
    socket.setTimeout(10_000, () => socket.destroy(new Error(`silence after ${said}`)))
  })
}
