import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startProcess } from '../kafka/rig.ts'
import { startService, type TestService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'

const LIMIT_MS = 120_000
/** Longer than the test: nobody gives a frozen Redis up, so a command stands still between its commit and its answer. */
const PATIENCE_MS = '60000'

type Said = { status: number; headers: Record<string, string>; body: string }
const OF_THE_MOMENT = ['x-request-id', 'date', 'visibility']

/** A replica as a process of its own. */
async function startReplica(t: Owner, { environment, token }: TestService) {
  const replica = startProcess(t, ['serve'], {
    ...environment,
    ...{ PORT: '0', REDIS_COMMAND_TIMEOUT_MS: PATIENCE_MS },
    // Neither is counted in Redis, nor refused where the machine is late.
    ...{ RATE_LIMIT_WRITES: '0', OVERLOAD_SEARCHES_DELAY_MS: '0', OVERLOAD_DELAY_MS: '0' },
  })
  await replica.says('"serving"')
  const { address } = JSON.parse(replica.said.out.split('\n').find((line) => line.includes('"serving"')) ?? '')
  const ask = async (method: string, path: string, key?: string, body?: object): Promise<Said> => {
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: {
        authorization: bearer(token),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OF_THE_MOMENT.includes(name)))
    return { status: answer.status, headers, body: await answer.text() }
  }
  return { ...replica, ask }
}

test('a process that is killed between commit and answer: the same key is answered, and nothing is done again', {
  timeout: LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const service = await startService({ worker: false })
  t.after(service.close)
  const { redis, query } = service
  t.after(() => process.kill(redis.pid, 'SIGCONT'))
  const doomed = await startReplica(t, service)
  const person = (username: string) => ({ username, givenName: 'Ann', familyName: 'Lee', homeBranchId: 'B001' })
  const { userId } = JSON.parse((await doomed.ask('POST', '/v1/users', undefined, person('suspended'))).body)
  const path = `/v1/users/${userId}`

  process.kill(redis.pid, 'SIGSTOP')
  let answered = 0
  const register = (replica: typeof doomed) => replica.ask('POST', '/v1/users', 'key-1', person('registered'))
  const suspend = (replica: typeof doomed) => replica.ask('POST', `${path}/suspend`, 'key-2')
  const lost = [register(doomed), suspend(doomed)].map((asking) =>
    asking.then(
      () => {
        answered += 1
      },
      () => undefined,
    ),
  )
  const committed = async () =>
    (await query("SELECT user_id FROM users WHERE username = 'registered' OR status = 'suspended'")).length === 2
  await until('both have committed', committed)
  assert.equal(answered, 0)
  doomed.kill('SIGKILL')
  await Promise.all([...lost, doomed.ended()])
  assert.equal(answered, 0, 'nobody was told')
  process.kill(redis.pid, 'SIGCONT')

  const heir = await startReplica(t, service)
  const [registered, suspended] = [await register(heir), await suspend(heir)]
  const tag = (version: number) => new RegExp(`^"[0-9a-f]{8}\\.\\d+\\.u\\.${version}"$`)
  const [user] = await query("SELECT user_id FROM users WHERE username = 'registered'")
  const newId = Number(user?.user_id)
  const made = JSON.parse(registered.body)
  assert.deepEqual([registered.status, made.userId, registered.headers.location], [201, newId, `/v1/users/${newId}`])
  assert.match(registered.headers.etag ?? '', tag(made.version))
  assert.equal(suspended.status, 200)
  assert.match(suspended.headers.etag ?? '', tag(JSON.parse(suspended.body).version))
  assert.equal(JSON.parse((await heir.ask('GET', path)).body).status, 'suspended')
  assert.deepEqual([await register(heir), await suspend(heir)], [registered, suspended])
  const entries = await query('SELECT event_type FROM user_audit ORDER BY audit_id')
  const types = entries.map(({ event_type: type }) => type)
  assert.deepEqual(types.toSorted(), ['user-registered', 'user-registered', 'user-suspended'])
})
