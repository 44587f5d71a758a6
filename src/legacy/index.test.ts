import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, someUser } from '../../test/support/users.ts'
import { UNLIMITED } from '../domain/authority.ts'
import { DomainError } from '../domain/errors.ts'
import type { User } from '../domain/user.ts'
import type { LegacyRequest } from '../ports/strangler.ts'
import { projectUser } from '../projections/user/project.ts'
import { type LegacyDeps, legacyRoutes } from './index.ts'

const by = { name: 'till', requestId: 'r-1', address: '127.0.0.1', ...UNLIMITED }
const asked = (request: Partial<LegacyRequest>): LegacyRequest => ({
  params: {},
  query: '',
  headers: {},
  body: undefined,
  by,
  ...request,
})

/** Over one user, number 7. `writes`: what the commands were given; `least`: which version each read was to show. */
function routesOf(user: User | null = someUser(), failing?: Error) {
  const writes: unknown[] = []
  const least: (number | undefined)[] = []
  const read = async () => {
    if (failing) throw failing
    if (!user) return { userId: 7, version: 0, bodies: null, from: 'near' as const }
    return { userId: 7, version: user.version, bodies: projectUser(user).bodies, from: 'near' as const }
  }
  const holder = user && { version: user.version, holder: user, limits: {}, source: { from: 'near' as const } }
  const roles = [
    { role: 'cashier', title: '', privileged: false, permissions: [{ permission: 'x', effect: 'approve' as const }] },
    { role: 'manager', title: '', privileged: false, permissions: [{ permission: 'x', effect: 'allow' as const }] },
  ]
  const deps: LegacyDeps = {
    views: {
      byId: (_, minVersion) => {
        least.push(minVersion)
        return read()
      },
      byUsername: read,
    },
    holders: async () => holder,
    roles: { catalogue: async () => ({ version: 3, roles, from: 'near' }) },
    lists: {
      list: async () => ({ users: user ? [await read()] : [], next: null, from: 'redis' }),
    },
    users: {
      update: async (userId, context, decide) => {
        if (!user) throw new DomainError('user-not-found', '')
        const events = decide(user)
        writes.push({ userId, by: context.by, events })
        for (const event of events) Object.assign(user, 'changes' in event ? event.changes : {})
        user.version += events.length
        return { version: user.version, visible: true }
      },
    },
    now: () => new Date(AT),
  }
  const routes = new Map(legacyRoutes(deps).map((route) => [route.id, route]))
  return {
    writes,
    least,
    of(id: string) {
      const route = routes.get(id)
      if (!route) throw new Error(`there is no route ${id}`)
      return route
    },
  }
}

const id = { params: { id: '7' } }
const TAKEN: [route: string, request: Partial<LegacyRequest>][] = [
  ['get-user', id],
  ['get-user', { params: { id: '9007199254740991' } }],
  ['get-user-by-username', { params: { username: 'Łukasz K.' } }],
  ['get-permissions', id],
  ['get-permissions', { ...id, query: 'branch=B001' }],
  ['get-branch-users', { params: { branch: 'B001' } }],
  ['change-user', { ...id, headers: { 'content-type': 'application/json' } }],
  ['change-user', { ...id, headers: { 'content-type': 'Application/JSON; charset=utf-8' } }],
]
for (const [route, request] of TAKEN) {
  test(`${route} takes ${JSON.stringify(request)}`, () => {
    assert.equal(routesOf().of(route).takes(asked(request)), true)
  })
}

const LEFT: [route: string, request: Partial<LegacyRequest>][] = [
  ...['', '0', '007', '+7', '7.0', '1e3', '٧', '7 ', 'x', '9007199254740992', '99999999999999999999'].map(
    (id): [string, Partial<LegacyRequest>] => ['get-user', { params: { id } }],
  ),
  ['get-user', { ...id, query: 'format=xml' }],
  ['get-user', {}],
  ['get-user-by-username', { params: { username: 'x'.repeat(65) } }],
  ['get-user-by-username', { params: { username: 'a\nb' } }],
  ['get-user-by-username', { params: { username: 'a' }, query: 'x=1' }],
  ['get-permissions', { ...id, query: 'branch=' }],
  ['get-permissions', { ...id, query: 'branch=B001&branch=B002' }],
  ['get-permissions', { ...id, query: 'branch=B%30' }],
  ['get-permissions', { ...id, query: 'at=B001' }],
  ['get-branch-users', { params: { branch: 'B 1' } }],
  ['get-branch-users', { params: { branch: 'B001' }, query: 'page=2' }],
  ['change-user', id],
  ['change-user', { ...id, headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
  ['change-user', { ...id, headers: { 'content-type': 'application/json-patch+json' } }],
  ['change-user', { ...id, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } }],
  ['change-user', { params: { id: '07' }, headers: { 'content-type': 'application/json' } }],
  ['change-user', { ...id, query: 'x', headers: { 'content-type': 'application/json' } }],
]
for (const [route, request] of LEFT) {
  test(`${route} leaves ${JSON.stringify(request)} to the legacy application`, () => {
    assert.equal(routesOf().of(route).takes(asked(request)), false)
  })
}

const NOT_FOUND = { status: 404, body: { detail: 'Not found.' } }
const brief = ({ status, body }: { status: number; body: unknown }) => ({ status, body })

test('what there is not is told in the legacy shape, by every route of one user', async () => {
  const { of } = routesOf(null)
  for (const route of ['get-user', 'get-permissions']) {
    assert.deepEqual(brief(await of(route).answer(asked(id))), NOT_FOUND)
  }
  assert.deepEqual(brief(await of('get-user-by-username').answer(asked({ params: { username: 'nobody' } }))), NOT_FOUND)
  for (const body of [{ phone: '12345' }, { phone: 'wrong' }]) {
    assert.deepEqual(brief(await of('change-user').answer(asked({ ...id, body }))), NOT_FOUND)
  }
})

test('any other failure is the caller’s to tell', async () => {
  const failing = new DomainError('database-unavailable', 'it is down')
  const { of } = routesOf(someUser(), failing)
  await assert.rejects(of('get-user').answer(asked(id)), failing)
  await assert.rejects(of('get-user-by-username').answer(asked({ params: { username: 'ann.lee' } })), failing)
  await assert.rejects(of('get-branch-users').answer(asked({ params: { branch: 'B001' } })), failing)
  await assert.rejects(of('change-user').answer(asked({ ...id, body: { phone: 'wrong' } })), failing)
})

test('a user: texts instead of null, a time as Python writes it', async () => {
  const user = someUser({ email: null, phone: null, jobTitle: null, updatedAt: '2024-05-01T08:30:00.120Z' })
  const { status, body, version } = await routesOf(user).of('get-user').answer(asked(id))
  const { email, phone, title, updated, is_active } = body as Record<string, unknown>
  assert.deepEqual(
    { status, email, phone, title, updated, is_active, version },
    {
      ...{ status: 200, email: '', phone: '', title: '', is_active: true },
      ...{ updated: '2024-05-01T08:30:00.120000Z', version: String(user.version) },
    },
  )
  const whole = await routesOf(someUser({ updatedAt: '2024-05-01T08:30:00.000Z', status: 'suspended' }))
    .of('get-user')
    .answer(asked(id))
  assert.partialDeepStrictEqual(whole.body, { updated: '2024-05-01T08:30:00Z', is_active: false })
})

test('permissions: the strongest role wins, and the version is of user and catalogue', async () => {
  const user = someUser({
    roles: ['manager', 'cashier'].map((role) => ({ role, branchId: null })),
    branches: ['B001'],
  })
  const answer = await routesOf(user)
    .of('get-permissions')
    .answer(asked({ ...id, query: 'branch=B001' }))
  assert.deepEqual(answer.body, { user: 7, branch: 'B001', permissions: { x: 'allow' } })
  assert.equal(answer.version, `${user.version}.3`)
})

test('a roster names its version by everybody on it', async () => {
  const { body, version } = await routesOf()
    .of('get-branch-users')
    .answer(asked({ params: { branch: 'B001' } }))
  assert.equal((body as unknown[]).length, 1)
  assert.equal(version, `7.${someUser().version}`)
})

test('a write is a command of whoever asks, and is answered with the user as they are now', async () => {
  const { of, writes, least } = routesOf()
  const body = { phone: '+1 212 555 0199', title: '' }
  const answer = await of('change-user').answer(asked({ ...id, body }))
  assert.equal(answer.status, 200)
  assert.partialDeepStrictEqual(answer.body, body)
  assert.deepEqual(least, [someUser().version + 1])
  assert.partialDeepStrictEqual(writes, [
    { userId: 7, by, events: [{ type: 'details-changed', changes: { phone: '+1 212 555 0199', jobTitle: null } }] },
  ])
})

test('wrong values change nothing, and are all told', async () => {
  const { of, writes } = routesOf()
  const body = { phone: 'x', email: 'y', title: ' z' }
  assert.deepEqual(brief(await of('change-user').answer(asked({ ...id, body }))), {
    status: 400,
    body: {
      phone: ['Enter a valid phone number.'],
      email: ['Enter a valid email address.'],
      title: ['Enter a valid title.'],
    },
  })
  assert.deepEqual(writes, [])
})

test('what is no object is told as the legacy application does', async () => {
  const { of, writes } = routesOf()
  for (const body of [undefined, null, [], 'text', 7]) {
    const detail = body === undefined ? 'JSON parse error.' : 'Invalid data.'
    assert.deepEqual(brief(await of('change-user').answer(asked({ ...id, body }))), { status: 400, body: { detail } })
  }
  assert.deepEqual(writes, [])
})

test('other members mean nothing, and what is no text is wrong', async () => {
  const { of, writes } = routesOf()
  const body = JSON.parse('{"nickname": "x", "constructor": 1, "__proto__": {"phone": "12345"}}')
  assert.equal((await of('change-user').answer(asked({ ...id, body }))).status, 200)
  assert.partialDeepStrictEqual(writes, [{ events: [] }])
  for (const phone of [7, false, {}, ['12345']]) {
    const answer = await of('change-user').answer(asked({ ...id, body: { phone } }))
    assert.deepEqual(brief(answer), { status: 400, body: { phone: ['Enter a valid phone number.'] } })
  }
})

test('who has left cannot be changed', async () => {
  const { of } = routesOf(someUser({ status: 'terminated' }))
  const answer = await of('change-user').answer(asked({ ...id, body: { title: 'Baker' } }))
  assert.deepEqual(brief(answer), { status: 409, body: { detail: 'This user has left.' } })
})
