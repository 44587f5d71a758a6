import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { type AppDeps, buildApp } from '../../src/app.ts'
import { SCOPES } from '../../src/domain/principal.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import type { ShownUser } from '../../src/projections/user/shown.ts'
import { wireApi } from '../../src/wiring.ts'
import { branchOf, employmentOf } from '../neighbours/neighbours.ts'
import { type FaultServer, startFaultServer } from '../support/fault-server.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { bearer, developmentToken } from '../support/tokens.ts'
import type { OpenApi } from './client.ts'
import { type Call, callsOf, everyObject, resolved } from './documented.ts'

// What is personal is shown to those only who may see it: by every GET of the document, wherever it is read.

const PERSON = { username: 'pia.personal', givenName: 'Pia', familyName: 'Personal', homeBranchId: 'P001' }
/** Nothing else that is ever answered has these in it. */
const FIRST = { email: 'first.marker@example.com', phone: '+48 555 701 001', employeeNumber: 'EMARKER-1' }
const SECOND = { email: 'second.marker@example.com', phone: '+48 555 702 002', employeeNumber: 'EMARKER-2' }
const THIRD = { email: 'third.marker@example.com', phone: '+48 555 703 003', employeeNumber: 'EMARKER-3' }
type Personal = typeof FIRST
const MANAGER_NUMBER = 'EMARKER-BOSS'
const MARKERS = [...[FIRST, SECOND, THIRD].flatMap((values) => Object.values(values)), MANAGER_NUMBER]

/** May do everything, and everything but see what is personal. */
type Caller = 'seeing' | 'unseeing'
const WITHOUT = SCOPES.filter((scope) => scope !== 'users:pii')

type Place = {
  /** `http://127.0.0.1:<port>`. */
  base: string
  tokens: Record<Caller, string>
  userId: number
  document: OpenApi
}
type Answer = { status: number; headers: Record<string, string>; text: string }

let neighbours: FaultServer[]
let service: TestService
/** Nobody projects there: everything comes from the database. */
let unprojected: TestService
let raw: Redis
let [near, redis, stale, database]: Place[] = []
const ends: (() => Promise<unknown>)[] = []

before(async () => {
  neighbours = await startBothNeighbours()
  const [branches, people] = neighbours
  const environment = { BRANCHES_URL: branches?.url ?? '', PEOPLE_URL: people?.url ?? '' }
  service = await startService({ environment })
  unprojected = await startService({ environment, worker: false })
  raw = new Redis(service.redis.url, { protocol: 2 })
  const withoutNear = await wireApi({ ...service.config, nearCacheBytes: 0 }, quiet)
  ends.push(withoutNear.close)
  near = await placeOf(service, service.api)
  redis = await placeOf(service, withoutNear)
  stale = await placeOf(service, unconfirmed(withoutNear))
  database = await placeOf(unprojected, unprojected.api)
})
after(async () => {
  raw?.disconnect()
  for (const end of ends.reverse()) await end()
  await unprojected?.close()
  await service?.close()
  for (const server of neighbours ?? []) await server.close()
})

function startBothNeighbours(): Promise<FaultServer[]> {
  const branches = startFaultServer(({ path }) => {
    const ids = new URL(path, 'http://branches').searchParams.get('ids')?.split(',') ?? []
    return { status: 200, body: { branches: ids.map(branchOf) } }
  })
  const people = startFaultServer(({ path }) => {
    const employment = employmentOf(decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)))
    const manager = { employeeNumber: MANAGER_NUMBER, name: 'Nina Nowak' }
    return { status: 200, body: { ...employment, manager } }
  })
  return Promise.all([branches, people])
}

type Wired = Omit<AppDeps, 'http' | 'log'>

/** An application over these reads that listens, with the person in its database. */
async function placeOf(of: TestService, api: Wired): Promise<Place> {
  const app = await buildApp({ ...api, http: of.config.http, log: quiet })
  ends.push(() => app.close())
  const tokens = {
    seeing: await developmentToken(of.config, { subject: 'seeing' }),
    unseeing: await developmentToken(of.config, { subject: 'unseeing', scopes: WITHOUT }),
  }
  const userId = await personIn(app, tokens.seeing)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const document = (await app.inject('/docs/json')).json() as OpenApi
  return { base: `http://127.0.0.1:${port}`, tokens, userId, document }
}

async function personIn(app: FastifyInstance, token: string): Promise<number> {
  const headers = { authorization: bearer(token) }
  const found = await app.inject({ url: `/v1/users/by-username/${PERSON.username}`, headers })
  if (found.statusCode === 200) return found.json().userId
  const role = { title: 'Cashier', privileged: false, permissions: [{ permission: 'receipt.void', effect: 'allow' }] }
  await app.inject({ method: 'PUT', url: '/v1/roles/cashier', headers, payload: role })
  const { userId } = (
    await app.inject({ method: 'POST', url: '/v1/users', headers, payload: { ...PERSON, ...FIRST } })
  ).json()
  await app.inject({ method: 'PUT', url: `/v1/users/${userId}/roles/cashier`, headers })
  return userId
}

/** The same reads, of which nobody could say whether they are still so. */
function unconfirmed(api: Wired): Wired {
  const { views } = api.queries
  const marked = <User extends ShownUser | null>(user: User): User => user && { ...user, stale: true as const }
  const staleViews = {
    byId: async (userId: number) => marked(await views.byId(userId)),
    byIds: async (userIds: number[]) => (await views.byIds(userIds)).map(marked),
    byUsername: async (username: string) => marked(await views.byUsername(username)),
  }
  return {
    ...api,
    queries: { ...api.queries, views: staleViews },
    hot: api.hot && { ...api.hot, users: null, views: staleViews },
  }
}

async function ask(
  { base, tokens }: Place,
  caller: Caller,
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const typed = body === undefined ? {} : { 'content-type': 'application/json' }
  const authorization = bearer(tokens[caller])
  const answer = await fetch(`${base}${url}`, { method, headers: { ...typed, ...headers, authorization }, ...sent })
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() }
}

/** What each query parameter may be given, so that the person is found by it. */
const byQuery = ({ userId }: Place): Record<string, string> => ({
  ...{ ids: String(userId), branchId: PERSON.homeBranchId, role: 'cashier', status: 'active', q: 'personal' },
  ...{ limit: '1', include: 'employment' },
})
const byPath = ({ userId }: Place): Record<string, string> => ({
  ...{ userId: String(userId), username: PERSON.username, branchId: PERSON.homeBranchId, role: 'cashier' },
})

type Asked = { call: Call; url: string }
/** Every GET of the document, about the person: plain, and with each of its filters. */
function asksOf(place: Place): Asked[] {
  return callsOf(place.document)
    .filter(({ method }) => method === 'GET')
    .flatMap((call) => {
      const inPath: Record<string, unknown> = byPath(place)
      const of = (name: string) => inPath[name] ?? call.parameters.find((one) => one.name === name)?.example
      const path = call.template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(of(name))))
      const given = call.parameters.flatMap(({ in: where, name }) =>
        where === 'query' && byQuery(place)[name] !== undefined ? [`${name}=${byQuery(place)[name]}`] : [],
      )
      return [path, ...given.map((query) => `${path}?${query}`)].map((url) => ({ call, url }))
    })
}

/**
 * Which personal fields the document shows in the answer to this call, by how they are described; `mentioned`: it says at
 * least that something is only for those who may see what is personal.
 */
function personalIn(document: OpenApi, { template }: Call): { fields: Set<string>; mentioned: boolean } {
  const content = document.paths[template]?.get?.responses[200]?.content ?? {}
  const fields = new Set<string>()
  let mentioned = false
  const seen = new Set<object>()
  const visit = (schema: object): void => {
    for (const each of everyObject(schema)) {
      const target = resolved(document, each)
      if (target !== each && !seen.has(target)) {
        seen.add(target)
        visit(target)
      }
      const properties = (each.properties ?? {}) as Record<string, { description?: string }>
      for (const [name, { description = '' }] of Object.entries(properties)) {
        mentioned ||= description.includes('users:pii')
        if (description.startsWith('Only with the scope `users:pii`')) fields.add(name)
      }
    }
  }
  visit(content)
  return { fields, mentioned }
}

/** All that an answer says, what is packed into its cursor too. */
function everythingIn({ headers, text }: Answer): string {
  const cursor = /"nextCursor":"([\w-]+)"/.exec(text)?.[1]
  const key = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
  return `${JSON.stringify(headers)} ${text} ${key}`
}

const namesNone = (answer: Answer, what: string): void => {
  for (const marker of MARKERS)
    assert.ok(!everythingIn(answer).includes(marker), `${what}: ${marker} in ${answer.text}`)
}

/** A search needs its index. */
const mayFail = (url: string, { status }: Answer): boolean => status === 503 && /[?&]q=/.test(url)

/** Asks everything as both, and answers of how many calls the answer had to show what is personal, and did. */
async function nothingLeaks(place: Place, values: Personal, prepare: () => Promise<unknown> = async () => {}) {
  let shown = 0
  for (const { call, url } of asksOf(place)) {
    const answers = new Map<Caller, Answer>()
    for (const caller of ['unseeing', 'seeing', 'unseeing'] as const) {
      await prepare()
      const answer = await ask(place, caller, url)
      if (mayFail(url, answer)) continue
      assert.equal(answer.status, 200, `${url} ${answer.text}`)
      answers.set(caller, answer)
      if (caller === 'unseeing') namesNone(answer, url)
    }
    const [unseeing, seeing] = [answers.get('unseeing'), answers.get('seeing')]
    if (!unseeing || !seeing) continue
    const { fields, mentioned } = personalIn(place.document, call)
    // With a filter it may be a page that has nothing of it.
    const isShown = MARKERS.some((marker) => everythingIn(seeing).includes(marker))
    if (!url.includes('?'))
      assert.equal(isShown, mentioned, `${url} shows what the document says of it: ${seeing.text}`)
    for (const field of fields) {
      assert.ok(field in values, `${field} is personal, and not known to this test`)
      assert.ok(seeing.text.includes(values[field as keyof Personal]), `${url} shows no ${field}: ${seeing.text}`)
    }
    if (fields.size > 0) shown += 1
    assert.deepEqual(listedIn(unseeing), listedIn(seeing), `${url} finds the same, and goes on at the same place`)
    await headAndNotModified(place, { url, unseeing, seeing }, fields.size > 0)
  }
  return shown
}

/** Who is in a list, in its order, and where the next page begins; nothing of any other answer. */
function listedIn({ text }: Answer): unknown {
  const { items, nextCursor } = JSON.parse(text) as { items?: { userId?: number }[]; nextCursor?: string | null }
  return { users: items?.map(({ userId }) => userId), nextCursor }
}

async function headAndNotModified(
  place: Place,
  { url, unseeing, seeing }: { url: string; unseeing: Answer; seeing: Answer },
  isPersonal: boolean,
): Promise<void> {
  const head = await ask(place, 'unseeing', url, { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''], url)
  namesNone(head, `HEAD ${url}`)
  const { etag } = unseeing.headers
  if (etag === undefined) return
  assert.equal(head.headers.etag, etag)
  const same = await ask(place, 'unseeing', url, { headers: { 'if-none-match': etag } })
  assert.deepEqual([same.status, same.text], [304, ''], url)
  namesNone(same, `304 ${url}`)
  // What shows the same to both has one tag; else neither may be told by the other's that they have it already.
  assert.equal(etag !== seeing.headers.etag, isPersonal, url)
  if (!isPersonal) return
  const others = await ask(place, 'unseeing', url, { headers: { 'if-none-match': String(seeing.headers.etag) } })
  assert.equal(others.status, 200, url)
  namesNone(others, url)
  const back = await ask(place, 'seeing', url, { headers: { 'if-none-match': etag } })
  assert.equal(back.status, 200, url)
}

/** Calls with each of their filters that show users: the two by id and username, the profile, lists, roster. */
const LEAST_SHOWN = 10
const keysOf = async () => {
  const [row] = await service.query('SELECT epoch FROM service_epoch')
  return readModelKeys(String(row?.epoch))
}
/** What the person has, wherever it is projected: one of the tests changes it. */
async function personalNow(): Promise<Personal> {
  const [row] = await service.query(
    'SELECT email, phone, employee_number FROM users WHERE user_id = ?',
    place(redis).userId,
  )
  return { email: String(row?.email), phone: String(row?.phone), employeeNumber: String(row?.employee_number) }
}
const untilFrom = (place: Place, where: string) =>
  until(`the person comes from ${where}`, async () => {
    const answer = await ask(place, 'seeing', `/v1/users/${place.userId}`)
    return answer.headers['read-from'] === where
  })
const place = (of: Place | undefined): Place => of ?? assert.fail('it has not begun')

describe('whoever may not see what is personal is shown none of it, and whoever may all of it', () => {
  test('out of the memory of a process, by the hot read too', async () => {
    await untilFrom(place(near), 'near')
    assert.ok((await nothingLeaks(place(near), await personalNow())) >= LEAST_SHOWN)
  })

  test('out of Redis, and out of its lists', async () => {
    await service.built()
    await untilFrom(place(redis), 'redis')
    const list = await ask(place(redis), 'unseeing', '/v1/users')
    assert.equal(list.headers['read-from'], 'redis')
    assert.ok((await nothingLeaks(place(redis), await personalNow())) >= LEAST_SHOWN)
  })

  test('out of the database, lists too', async () => {
    const list = await ask(place(database), 'unseeing', '/v1/users')
    assert.equal(list.headers['read-from'], 'database')
    const byId = await ask(place(database), 'unseeing', `/v1/users/${database?.userId}`)
    assert.equal(byId.headers['read-from'], 'database')
    assert.ok((await nothingLeaks(place(database), FIRST)) >= LEAST_SHOWN - 1, 'all but the search')
  })

  test('where nobody can confirm what is shown', async () => {
    const byId = await ask(place(stale), 'unseeing', `/v1/users/${stale?.userId}`)
    assert.equal(byId.headers['read-stale'], 'true')
    assert.ok((await nothingLeaks(place(stale), await personalNow())) >= LEAST_SHOWN)
  })

  for (const [what, harm] of Object.entries({
    'has been fenced': (key: string) => raw.hdel(key, 'b', 'p'),
    'has lost the one body': (key: string) => raw.hdel(key, 'b'),
    'has lost the other body': (key: string) => raw.hdel(key, 'p'),
    'says nobody in the one body': (key: string) => raw.hset(key, 'b', ''),
    'says nobody in the other body': (key: string) => raw.hset(key, 'p', ''),
    'is of another type': async (key: string) => {
      await raw.del(key)
      await raw.set(key, 'somebody else’s')
    },
  }))
    test(`where the entry ${what}, which is never the other body’s turn`, async () => {
      const keys = await keysOf()
      const { userId } = place(redis)
      const harmed = () => harm(keys.user(userId))
      await harmed()
      const byId = await ask(place(redis), 'unseeing', `/v1/users/${userId}`)
      assert.equal(byId.headers['read-from'], 'database')
      assert.ok((await nothingLeaks(place(redis), await personalNow(), harmed)) >= LEAST_SHOWN)
      await untilFrom(place(redis), 'redis')
    })

  test('where lists take the person out of the database, because their change waits', async (t) => {
    const keys = await keysOf()
    const { userId } = place(redis)
    const waits = () => raw.sadd(keys.of(userId).dirty, String(userId))
    t.after(() => raw.srem(keys.of(userId).dirty, String(userId)))
    assert.ok((await nothingLeaks(place(redis), await personalNow(), waits)) >= LEAST_SHOWN)
  })

  test('after a command, and after another program’s write', async () => {
    const changes: [Personal, () => Promise<unknown>][] = [
      [SECOND, () => ask(place(near), 'seeing', `/v1/users/${near?.userId}`, { method: 'PATCH', body: SECOND })],
      [
        THIRD,
        () =>
          service.sql(
            'UPDATE users SET email = ?, phone = ?, employee_number = ? WHERE user_id = ?',
            ...Object.values(THIRD),
            place(near).userId,
          ),
      ],
    ]
    for (const [values, change] of changes) {
      await change()
      for (const where of [place(near), place(redis)]) {
        await until('it shows', async () =>
          (await ask(where, 'seeing', `/v1/users/${where.userId}`)).text.includes(values.email),
        )
        assert.ok((await nothingLeaks(where, values)) >= LEAST_SHOWN)
      }
    }
  })
})

describe('nobody is found by what is personal', () => {
  test('not by a search, a username, or a filter that nobody has promised', async () => {
    for (const where of [place(redis), place(database)]) {
      for (const value of MARKERS) {
        const text = encodeURIComponent(value)
        const search = await ask(where, 'seeing', `/v1/users?q=${text}`)
        assert.ok(mayFail('?q=', search) || JSON.parse(search.text).items.length === 0, search.text)
        assert.equal((await ask(where, 'seeing', `/v1/users/by-username/${text}`)).status, 404)
        for (const name of ['email', 'phone', 'employeeNumber'])
          assert.equal((await ask(where, 'unseeing', `/v1/users?${name}=${text}`)).status, 400)
      }
    }
  })

  test('nor told apart by a profile: the employment that is found by the number is shown without any number', async () => {
    const url = `/v1/users/${place(redis).userId}/profile?include=employment`
    const [seeing, unseeing] = await Promise.all(
      (['seeing', 'unseeing'] as const).map(async (caller) => JSON.parse((await ask(place(redis), caller, url)).text)),
    )
    assert.equal(seeing.employment.manager.employeeNumber, MANAGER_NUMBER)
    assert.deepEqual(unseeing.employment, {
      department: 'Sales',
      manager: { name: 'Nina Nowak' },
      startDate: '2021-03-01',
      leave: { from: '2026-12-01', until: null },
    })
    assert.deepEqual([unseeing.degraded, seeing.degraded], [[], []])
  })
})

describe('whoever may not see what is personal may not set it either', () => {
  let url: string
  /** These tests have a person of their own: they change them. */
  before(async () => {
    const body = { ...PERSON, ...FIRST, username: 'pia.changed' }
    const made = await ask(place(redis), 'seeing', '/v1/users', { method: 'POST', body })
    url = `/v1/users/${JSON.parse(made.text).userId}`
  })
  const patch = (caller: Caller, body: object, headers = {}) =>
    ask(place(redis), caller, url, { method: 'PATCH', body, headers })
  const shownNow = async () => JSON.parse((await ask(place(redis), 'seeing', url)).text)
  const refusedFor = (answer: Answer, field: string) => {
    namesNone(answer, field)
    const { code, errors } = JSON.parse(answer.text)
    assert.deepEqual([answer.status, code], [403, 'missing-scope'], answer.text)
    assert.deepEqual([errors[0].in, errors[0].pointer], ['body', `/${field}`])
    assert.match(answer.headers['www-authenticate'] ?? '', /error="insufficient_scope", scope="users:pii"$/)
  }

  test('a patch of it is refused alike, whether it would change something or not, and changes nothing else', async () => {
    const before = await shownNow()
    for (const field of ['email', 'phone', 'employeeNumber']) {
      const other = { email: 'other@example.com', phone: '+48 555 000 000', employeeNumber: 'OTHER-1' }[field]
      for (const value of [before[field], other, null]) {
        refusedFor(await patch('unseeing', { [field]: value }), field)
        refusedFor(await patch('unseeing', { jobTitle: 'Clerk', [field]: value }), field)
        refusedFor(await patch('unseeing', { [field]: value }, { 'if-match': '"x.1.n.1"' }), field)
      }
    }
    // What is malformed is told before anything is compared, to everybody the same.
    for (const caller of ['seeing', 'unseeing'] as const)
      assert.equal((await patch(caller, { email: 'nobody at home' })).status, 400)
    assert.deepEqual(await shownNow(), before)
  })

  test('a registration with it is refused; one without it, or with nothing in its place, is not', async () => {
    const register = (caller: Caller, body: object) =>
      ask(place(redis), caller, '/v1/users', { method: 'POST', body: { ...PERSON, username: 'pia.second', ...body } })
    for (const [field, value] of Object.entries(FIRST)) {
      refusedFor(await register('unseeing', { [field]: value }), field)
      const [other] = Object.keys(FIRST).filter((one) => one !== field)
      refusedFor(await register('unseeing', { [field]: value, [other ?? '']: null }), field)
    }
    const taken = await ask(place(redis), 'seeing', '/v1/users/by-username/pia.second')
    assert.equal(taken.status, 404)
    const made = await register('unseeing', { email: null, phone: null, employeeNumber: null })
    assert.equal(made.status, 201)
    assert.match(String(made.headers.etag), /\.n\.\d+"$/)
  })

  test('all else may be changed, by the tag that a read or a command has given, and no answer tells of it', async () => {
    const before = await shownNow()
    let { etag } = (await ask(place(redis), 'unseeing', url)).headers
    for (const jobTitle of ['Clerk', 'Baker']) {
      const answer = await patch('unseeing', { jobTitle }, { 'if-match': String(etag) })
      namesNone(answer, jobTitle)
      assert.equal(answer.status, 200, answer.text)
      etag = answer.headers.etag
      const read = await ask(place(redis), 'unseeing', url, { headers: { 'if-none-match': String(etag) } })
      assert.equal(read.status, 304, 'the tag of the command is that of the read')
    }
    const conflict = await patch('unseeing', { jobTitle: 'Clerk' }, { 'if-match': String(etag).replace(/\d+"$/, '1"') })
    assert.equal(conflict.status, 412)
    namesNone(conflict, 'a conflict')
    const taken = await patch('unseeing', { username: PERSON.username })
    assert.deepEqual([taken.status, JSON.parse(taken.text).code], [409, 'username-taken'])
    namesNone(taken, 'a username that is taken')
    const { email, phone, employeeNumber, jobTitle } = await shownNow()
    assert.deepEqual([email, phone, employeeNumber], [before.email, before.phone, before.employeeNumber])
    assert.equal(jobTitle, 'Baker')
    // Who may see it takes the other's tag as well: both name the same version.
    const seen = await patch('seeing', { phone: null }, { 'if-match': String(etag) })
    assert.equal(seen.status, 200, seen.text)
    assert.match(String(seen.headers.etag), /\.u\.\d+"$/)
    assert.equal((await shownNow()).phone, null)
  })
})
