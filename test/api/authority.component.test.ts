import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { after, before, test } from 'node:test'
import { startService, type TestService } from '../support/service.ts'
import { bearer, developmentToken, type TokenClaims } from '../support/tokens.ts'
import { PATIENT } from '../support/unhurried.ts'
import type { Method } from './client.ts'
import { type Call, callsOf } from './documented.ts'
import { written } from './written.ts'

/** As the document has them in its examples. */
const [BRANCH, ROLE] = ['B001', 'cashier']
const [ALSO_THEIRS, ELSEWHERE] = ['B003', 'B777']
const NOBODY = 999_999

let service: TestService
let base: string
let commands: Call[]
let admin: string
/** Their id, and tokens of theirs: one that may read users as well, and one that may not. */
let manager: { id: number; reading: string; blind: string }
const agent = new Agent({ keepAlive: true })

before(async () => {
  service = await startService({ worker: false, environment: PATIENT })
  base = await service.app.listen({ port: 0, host: '127.0.0.1' })
  admin = service.token
  commands = callsOf((await service.app.inject('/docs/json')).json()).filter(
    ({ scopes, template }) => scopes?.includes('users:write') && template.includes('{userId}'),
  )
  assert.ok(commands.length > 10)
  for (const [role, privileged] of [
    [ROLE, false],
    ['baker', false],
    ['area-manager', true],
  ] as const) {
    await done('PUT', `/v1/roles/${role}`, { title: role, privileged, permissions: [] })
  }
  manager = await managerOf(BRANCH, ALSO_THEIRS)
})
after(async () => {
  agent.destroy()
  await service?.close()
})

type Answer = { status: number; code: string | undefined; text: string; lines: string[] }
type Shown = { token: string; headers?: Record<string, string> }

/** Over a connection, so that the lines of the answer are those that a client gets. */
function send(method: Method, url: string, { token, headers = {} }: Shown, body?: unknown): Promise<Answer> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const typed =
    payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
  return new Promise((resolve, reject) => {
    const asked = request(
      base + url,
      { method, agent, headers: { authorization: bearer(token), ...typed, ...headers } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part) => {
          text += part
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const code = text === '' ? undefined : (JSON.parse(text).code as string | undefined)
          resolve({ status: answer.statusCode ?? 0, code, text, lines: linesOf(answer.rawHeaders) })
        })
      },
    )
    asked.on('error', reject).end(payload)
  })
}

/** But for those that tell one request from another, whatever it is. */
function linesOf(raw: string[]): string[] {
  return raw.flatMap((name, i) =>
    i % 2 === 0 && !/^(date|x-request-id)$/i.test(name) ? [`${name}: ${raw[i + 1]}`] : [],
  )
}

async function done(method: Method, url: string, body?: unknown): Promise<Answer> {
  const answer = await send(method, url, { token: admin }, body)
  assert.ok(answer.status < 300, answer.text)
  return answer
}

/** What tells one request from another. */
const SAME = { 'x-request-id': 'the-same' }

let people = 0
async function somebody(homeBranchId: string | null, details: object = {}): Promise<number> {
  people += 1
  const names = { username: `authority.${people}`, givenName: 'Ann', familyName: 'Lee' }
  return JSON.parse((await done('POST', '/v1/users', { ...names, homeBranchId, ...details })).text).userId
}

const tokenOf = (claims: TokenClaims) => developmentToken(service.config, claims)

async function managerOf(...branches: string[]) {
  const id = await somebody(branches[0] ?? null)
  await done('PUT', `/v1/users/${id}/roles/${ROLE}?branchId=${branches[0]}`)
  const claims = { subject: `manager-${id}`, branches, userId: id }
  return {
    id,
    reading: await tokenOf({ ...claims, scopes: ['users:write', 'users:pii', 'users:read'] }),
    blind: await tokenOf({ ...claims, scopes: ['users:write', 'users:pii'] }),
  }
}

/** The document's own example, for this user, and at the branch where it can be said which. */
function aimed({ method, url, body, parameters }: Call, userId: number) {
  const atBranch = parameters.some((one) => one.in === 'query' && one.name === 'branchId') ? `?branchId=${BRANCH}` : ''
  return { method, url: url.replace('/v1/users/1', `/v1/users/${userId}`) + atBranch, body }
}
const command = (call: Call, userId: number, shown: Shown) => {
  const { method, url, body } = aimed(call, userId)
  return send(method, url, shown, body)
}

test('each command of the document is for a manager’s own people; of others and of nobody it writes nothing', async () => {
  const others = await somebody(ELSEWHERE)
  const helping = await somebody(ELSEWHERE)
  await done('PUT', `/v1/users/${helping}/branches/${BRANCH}`, {})
  const nowhere = await somebody(null)
  for (const call of commands) {
    const own = await command(call, await somebody(BRANCH), { token: manager.reading })
    // Whoever leaves their home branch must have another first: that is said of the user, to whom may know it.
    assert.equal(own.code ?? own.status, call.operationId === 'unassignBranch' ? 'branch-is-home' : 200, call.name)
    const before = await written(service)
    for (const id of [others, helping, nowhere]) {
      const { status, code } = await command(call, id, { token: manager.reading })
      assert.deepEqual([status, code], [403, 'not-your-branch'], call.name)
    }
    const { status, code } = await command(call, NOBODY, { token: manager.reading })
    assert.deepEqual([status, code], [404, 'user-not-found'], call.name)
    assert.deepEqual(await written(service), before, call.name)
  }
})

test('whoever has no home, and works at a manager’s branches only, is theirs', async () => {
  const id = await somebody(null)
  await done('PUT', `/v1/users/${id}/branches/${BRANCH}`, {})
  assert.equal((await send('PATCH', `/v1/users/${id}`, { token: manager.reading }, { jobTitle: 'Baker' })).status, 200)
  await done('PUT', `/v1/users/${id}/branches/${ELSEWHERE}`, {})
  assert.equal((await send('PATCH', `/v1/users/${id}`, { token: manager.reading }, { jobTitle: 'Cook' })).status, 403)
})

test('what reaches beyond their branches is refused, of their own people as well', async () => {
  const id = await somebody(BRANCH)
  await done('PUT', `/v1/users/${id}/branches/${ELSEWHERE}`, {})
  await done('PUT', `/v1/users/${id}/roles/baker?branchId=${ELSEWHERE}`)
  await done('PUT', `/v1/users/${id}/roles/baker`)
  const names = { givenName: 'Ann', familyName: 'Lee' }
  const beyond: [Method, string, unknown?][] = [
    ['PUT', `/v1/users/${id}/branches/B888`, {}],
    ['PUT', `/v1/users/${id}/branches/${ELSEWHERE}`, { home: true }],
    ['DELETE', `/v1/users/${id}/roles/baker?branchId=${ELSEWHERE}`],
    ['DELETE', `/v1/users/${id}/roles/baker`],
    ['PUT', `/v1/users/${id}/roles/${ROLE}`],
    ['POST', '/v1/users', { username: 'beyond.one', ...names, homeBranchId: ELSEWHERE }],
    ['POST', '/v1/users', { username: 'beyond.two', ...names }],
  ]
  for (const [method, url, body] of beyond) {
    const before = await written(service)
    const { status, code } = await send(method, url, { token: manager.reading }, body)
    assert.deepEqual([status, code], [403, 'not-your-branch'], `${method} ${url}`)
    assert.deepEqual(await written(service), before)
  }
  const registered = { username: 'within.one', ...names, homeBranchId: ALSO_THEIRS }
  assert.equal((await send('POST', '/v1/users', { token: manager.reading }, registered)).status, 201)
})

test('they grant what they hold there or everywhere, nothing privileged, and nothing when nobody knows who they are', async () => {
  const id = await somebody(BRANCH)
  await done('PUT', `/v1/users/${id}/branches/${ALSO_THEIRS}`, {})
  const { id: managerId, reading: token } = manager
  const anonymous = await tokenOf({ branches: [BRANCH] })
  const strange = await tokenOf({ branches: [BRANCH], userId: NOBODY })
  const at = (branchId: string, role: string) => `/v1/users/${id}/roles/${role}?branchId=${branchId}`
  const refused = async (url: string, by: string, code = 'role-not-yours') => {
    const before = await written(service)
    const answer = await send('PUT', url, { token: by })
    assert.deepEqual([answer.status, answer.code], [403, code], url)
    assert.deepEqual(await written(service), before)
  }
  await refused(at(BRANCH, 'baker'), token)
  // They hold it at the other branch.
  await refused(at(ALSO_THEIRS, ROLE), token)
  await refused(at(BRANCH, ROLE), anonymous, 'not-yourself')
  await refused(at(BRANCH, ROLE), strange)
  assert.equal((await send('PUT', at(BRANCH, ROLE), { token })).status, 200)
  await done('PUT', `/v1/users/${managerId}/roles/baker`)
  await done('PUT', `/v1/users/${managerId}/roles/area-manager`)
  assert.equal((await send('PUT', at(ALSO_THEIRS, 'baker'), { token })).status, 200)
  await refused(at(BRANCH, 'area-manager'), token)
  await done('PUT', `/v1/users/${id}/roles/area-manager?branchId=${BRANCH}`)
  // What is already so is nobody's doing: no grant, no refusal.
  assert.equal((await send('PUT', at(BRANCH, 'area-manager'), { token })).status, 200)
})

test('what they hold is what they hold now: of two grants with a revocation between, the second is refused', async () => {
  const { id, reading: token } = await managerOf(BRANCH)
  const grant = async () => {
    const answer = await send('PUT', `/v1/users/${await somebody(BRANCH)}/roles/${ROLE}?branchId=${BRANCH}`, { token })
    return answer.code ?? answer.status
  }
  assert.equal(await grant(), 200)
  await done('DELETE', `/v1/users/${id}/roles/${ROLE}?branchId=${BRANCH}`)
  assert.equal(await grant(), 'role-not-yours')
  await done('PUT', `/v1/users/${id}/roles/${ROLE}`)
  assert.equal(await grant(), 200)
  await done('POST', `/v1/users/${id}/suspend`)
  assert.equal(await grant(), 'role-not-yours')
  await done('POST', `/v1/users/${id}/reinstate`)
  assert.equal(await grant(), 200)
})

test('of their own record they set no role, branch or limit, nor are they back by their own word', async () => {
  const { id, reading: token } = await managerOf(BRANCH, ALSO_THEIRS)
  const own = `/v1/users/${id}`
  await done('PUT', `${own}/limits/cash-drop`, { value: 5 })
  for (const [method, url, body] of [
    ['PUT', `${own}/branches/${ALSO_THEIRS}`, {}],
    ['PUT', `${own}/branches/${ALSO_THEIRS}`, { home: true }],
    ['PUT', `${own}/limits/refund-amount`, { value: 1 }],
    ['DELETE', `${own}/limits/cash-drop`],
  ] as [Method, string, unknown?][]) {
    const before = await written(service)
    const { status, code } = await send(method, url, { token }, body)
    assert.deepEqual([status, code], [403, 'not-yourself'], url)
    assert.deepEqual(await written(service), before)
  }
  await done('PUT', `${own}/branches/${ALSO_THEIRS}`, {})
  const granted = await send('PUT', `${own}/roles/${ROLE}?branchId=${ALSO_THEIRS}`, { token })
  assert.equal(granted.code, 'not-yourself')
  assert.equal((await send('PATCH', own, { token }, { jobTitle: 'Manager' })).status, 200)
  assert.equal((await send('DELETE', `${own}/roles/${ROLE}?branchId=${BRANCH}`, { token })).status, 200)
  assert.equal((await send('POST', `${own}/suspend`, { token })).status, 200)
  assert.equal((await send('POST', `${own}/reinstate`, { token })).code, 'not-yourself')
})

test('the role catalogue is not theirs, also where nothing would change', async () => {
  const token = await tokenOf({ branches: [BRANCH], userId: manager.id })
  for (const [method, url, body] of [
    ['PUT', `/v1/roles/${ROLE}`, { title: ROLE, privileged: false, permissions: [] }],
    ['PUT', '/v1/roles/new-role', { title: 'New', privileged: false, permissions: [] }],
    ['DELETE', `/v1/roles/${ROLE}`],
    ['DELETE', '/v1/roles/no-such-role'],
  ] as [Method, string, unknown?][]) {
    const before = await written(service)
    const { status, code } = await send(method, url, { token }, body)
    assert.deepEqual([status, code], [403, 'not-your-branch'], `${method} ${url}`)
    assert.deepEqual(await written(service), before)
  }
})

test('whose branches are none changes nobody, and branches limit no reading', async () => {
  const id = await somebody(BRANCH)
  const none = await tokenOf({ branches: [], userId: manager.id })
  for (const call of commands) assert.equal((await command(call, id, { token: none })).code, 'not-your-branch')
  assert.equal((await send('GET', `/v1/users/${await somebody(ELSEWHERE)}`, { token: none })).status, 200)
})

test('who may not read users cannot tell people of other branches from those who are gone or never were', async () => {
  const three = async () => [await somebody(ELSEWHERE), await somebody(ELSEWHERE), await somebody(ELSEWHERE)] as const
  let ids = await three()
  // With as many digits, so that no answer is longer for that.
  if (new Set(ids.map((id) => String(id).length)).size > 1) ids = await three()
  const [others, gone, terminated] = ids
  await done('POST', `/v1/users/${terminated}/terminate`)
  await service.sql('DELETE FROM user_branches WHERE user_id = ?', gone)
  await service.sql('DELETE FROM users WHERE user_id = ?', gone)
  const never = Number(`8${String(others).slice(1)}`)
  const tag = /etag: (.*)/i.exec(
    (await done('PUT', `/v1/users/${others}/limits/cash-drop`, { value: 7 })).lines.join('\n'),
  )
  const conditions: Record<string, string>[] = [
    {},
    { 'if-match': tag?.[1] ?? assert.fail('no tag') },
    { 'if-match': '"1.1.f.1"' },
    { 'if-match': '*' },
    { 'if-match': 'W/"made-up"' },
    { 'idempotency-key': 'the-same-for-all' },
    { 'idempotency-key': 'the-same-for-all', 'if-match': '"1.1.f.1"' },
  ]
  const before = await written(service)
  for (const call of commands) {
    for (const headers of conditions) {
      const shown = async (id: number) => {
        const { status, lines, text } = await command(call, id, {
          token: manager.blind,
          headers: { ...SAME, ...headers },
        })
        return { status, lines, text: text.replace(`user ${id}.`, 'user ‹id›.') }
      }
      const about = `${call.name} ${JSON.stringify(headers)}`
      const unknown = await shown(never)
      assert.equal(unknown.status, 404, about)
      for (const id of [others, gone, terminated]) assert.deepEqual(await shown(id), unknown, about)
    }
  }
  // Neither the audit nor a key remembers that they were asked about.
  assert.deepEqual(await written(service), before)
})

test('what is wrong with a request is said before anybody is looked up: the same of everybody', async () => {
  const others = await somebody(ELSEWHERE)
  const never = Number(`8${String(others).slice(1)}`)
  for (const [method, rest, body] of [
    ['PATCH', '', { email: 'nobody' }],
    ['PATCH', '', { status: 'terminated' }],
    ['PUT', '/limits/no-such-limit', { value: 1 }],
    ['PUT', '/limits/cash-drop', { value: -1 }],
    ['PUT', '/branches/B_1', {}],
    ['PUT', '/roles/no-such-role?branchId=B001', undefined],
    ['DELETE', '/roles/cashier?branchid=B001', undefined],
  ] as [Method, string, unknown][]) {
    const shown = async (id: number) => {
      const shown = { token: manager.blind, headers: SAME }
      const { status, lines, text } = await send(method, `/v1/users/${id}${rest}`, shown, body)
      return { status, lines, text: text.replace(`user ${id}.`, 'user ‹id›.') }
    }
    assert.deepEqual(await shown(others), await shown(never), rest)
  }
})
