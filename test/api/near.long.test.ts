import assert from 'node:assert/strict'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { Redis } from 'ioredis'
import { buildApp } from '../../src/app.ts'
import { MAX_UNPROVED_MS } from '../../src/ports/invalidations.ts'
import { type Api as Wired, wireApi } from '../../src/wiring.ts'
import { asking } from '../support/authorised.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { type Api, apiClient, readsOf } from './client.ts'

/** Two processes’ worth of API over one database and one Redis, and a worker. */
let service: TestService
let second: Wired
let [a, b]: Api[] = []
let raw: Redis
before(async () => {
  service = await startService()
  second = await wireApi(service.config, quiet)
  a = await apiClient(service.app)
  b = await apiClient(asking(await buildApp({ ...second, http: service.config.http, log: quiet }), service.token))
  raw = new Redis(service.redis.url, { protocol: 2 })
})
after(async () => {
  raw?.disconnect()
  await second?.close()
  await service?.close()
})

const sides = (): [Api, Api] => {
  assert.ok(a && b)
  return [a, b]
}
const from = async (api: Api, path: string) => String((await api.get(path)).headers['read-from'])
async function somebodyNear(): Promise<string> {
  const path = `/v1/users/${await sides()[0].somebody()}`
  for (const side of sides()) await until('near', async () => (await from(side, path)) === 'near')
  return path
}
const jobTitleAt = async (api: Api, path: string) => (await api.get(path)).json().jobTitle

test('a command is seen at once by its own process, and soon by the other', async () => {
  const path = await somebodyNear()
  const [here, there] = sides()
  const { version } = (await here.patch(path, { jobTitle: 'Clerk' })).json()
  const own = await here.get(path)
  assert.deepEqual([own.json().jobTitle, own.json().version], ['Clerk', version])
  await until('the other shows it', async () => (await jobTitleAt(there, path)) === 'Clerk')
  for (const side of sides()) await until('near again', async () => (await from(side, path)) === 'near')
  assert.equal(await jobTitleAt(there, path), 'Clerk')
})

test('another program’s write is seen by both, though both have the user near', async () => {
  const path = await somebodyNear()
  await service.sql('UPDATE users SET job_title = ? WHERE user_id = ?', 'Foreign', Number(path.split('/').at(-1)))
  for (const side of sides()) await until('it shows', async () => (await jobTitleAt(side, path)) === 'Foreign')
})

test('every read of one user is near, and says so; lists are not', async () => {
  const [here] = sides()
  await here.role('near-role', 'receipt.void')
  const path = await somebodyNear()
  const { username } = (await here.get(path)).json()
  const reads = [...readsOf(path, username), '/v1/roles']
  for (const read of reads) await until(`${read} is near`, async () => (await from(here, read)) === 'near')
  const ids = `/v1/users?ids=${path.split('/').at(-1)}`
  assert.equal(await from(here, ids), 'near')
  for (const list of ['/v1/users?limit=1', '/v1/users?q=w', '/v1/branches/B1/users']) {
    assert.equal(await from(here, list), 'redis', list)
  }
})

test('a role that is changed changes what may be done, though user and catalogue are near', async () => {
  const [here, there] = sides()
  await here.role('voider', 'approve:receipt.void')
  const path = await somebodyNear()
  await here.put(`${path}/roles/voider`)
  const question = `${path}/permissions/receipt.void`
  const decision = async (api: Api) => (await api.get(question)).json().decision
  for (const side of sides()) await until('approve', async () => (await decision(side)) === 'approve')
  for (const side of sides()) await until('near', async () => (await from(side, question)) === 'near')
  await there.role('voider', 'receipt.void')
  assert.equal(await decision(there), 'allow')
  await until('the other says so', async () => (await decision(here)) === 'allow')
})

test('Min-Version on answers that show one user: malformed is 400 and named, met is near', async () => {
  const path = await somebodyNear()
  const [here] = sides()
  const { version, username } = (await here.get(path)).json()
  const reads = [path, `/v1/users/by-username/${username}`, `${path}/permissions`, `${path}/permissions/x`]
  for (const read of reads) {
    for (const [header, status] of [
      [`user=${version}`, 200],
      [`user=${version}, roles=0`, 200],
      ['user=x', 400],
      ['', 400],
      ['roles=1', 400],
    ] as const) {
      const answer = await here.get(read, { 'min-version': header })
      assert.equal(answer.statusCode, status, `${read} ${header}`)
      if (status === 400)
        assert.deepEqual([answer.json().errors[0].in, answer.json().errors[0].pointer], ['header', '/min-version'])
      else assert.ok(answer.json().version === undefined || answer.json().version >= version)
    }
  }
  await until('near', async () => (await from(here, path)) === 'near')
  assert.equal((await here.get(path, { 'min-version': `user=${version}` })).headers['read-from'], 'near')
})

test('Min-Version on any other read is 400: silence would be taken for a promise', async () => {
  const [here] = sides()
  await here.role('minimal', 'a')
  for (const path of ['/v1/users', '/v1/users?ids=1', '/v1/branches/B1/users', '/v1/roles', '/v1/roles/minimal']) {
    const answer = await here.get(path, { 'min-version': 'user=1' })
    assert.equal(answer.statusCode, 400, path)
    assert.deepEqual([answer.json().errors[0].in, answer.json().errors[0].pointer], ['header', '/min-version'])
  }
})

for (const name of ['near-invalidations', 'near-tracking']) {
  test(`${name} killed under load: never older than what was acknowledged`, async () => {
    const path = await somebodyNear()
    const [here] = sides()
    for (let round = 1; round <= 5; round += 1) {
      for (const [, id = ''] of String(await raw.client('LIST')).matchAll(
        new RegExp(`^id=(\\d+) .*name=${name}`, 'gm'),
      )) {
        await raw.client('KILL', 'ID', id)
      }
      const { version } = (await here.patch(path, { jobTitle: `Job ${round}` })).json()
      for (let read = 1; read <= 20; read += 1) assert.ok((await here.get(path)).json().version >= version)
    }
    for (const side of sides()) await until('near again', async () => (await from(side, path)) === 'near')
  })
}

test('FLUSHALL: nothing of before is given, and all is near again', async () => {
  const path = await somebodyNear()
  await service.redis.flush()
  await until('it was told of', async () => (await from(sides()[1], path)) !== 'near')
  for (const side of sides()) await until('near again', async () => (await from(side, path)) === 'near')
})

test('Redis frozen: after the limit nothing near is given, over a connection either', async (t) => {
  const path = await somebodyNear()
  const [here] = sides()
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((service.app.server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => socket.destroy())
  t.after(() => process.kill(service.redis.pid, 'SIGCONT'))
  process.kill(service.redis.pid, 'SIGSTOP')
  const frozenAt = performance.now()
  for (;;) {
    const text = await get(socket, path)
    const source = /read-from: (\w+)/.exec(text)?.[1]
    const afterMs = performance.now() - frozenAt
    if (source === 'database') break
    assert.equal(source, 'near', text)
    assert.ok(afterMs < MAX_UNPROVED_MS + 1_000, `near ${afterMs} ms after`)
  }
  process.kill(service.redis.pid, 'SIGCONT')
  await until('near again', async () => (await from(here, path)) === 'near')
})

function get(socket: Socket, path: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const take = (bytes: Buffer) => {
      text += bytes.toString('latin1')
      const length = Number(/content-length: (\d+)/.exec(text)?.[1])
      if (text.length < text.indexOf('\r\n\r\n') + 4 + length) return
      socket.off('data', take)
      resolve(text)
    }
    socket.on('data', take)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${bearer(service.token)}\r\n\r\n`)
  })
}
