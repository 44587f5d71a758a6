import assert from 'node:assert/strict'
import { Agent, METHODS, request } from 'node:http'
import { after, before, test } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler } from 'fastify-zod-openapi'
import { z } from 'zod'
import { type AppDeps, buildApp } from '../../src/app.ts'
import { registerCommands } from '../../src/commands/index.ts'
import { FULL_AUTHORITY } from '../../src/domain/authority.ts'
import { SCOPES } from '../../src/domain/principal.ts'
import { registerActor } from '../../src/plugins/actor.ts'
import { registerAuthentication } from '../../src/plugins/authentication.ts'
import { registerDocs } from '../../src/plugins/docs.ts'
import { registerErrors } from '../../src/plugins/errors.ts'
import { takeJsonOnly } from '../../src/plugins/request-bodies.ts'
import { compileValidator } from '../../src/plugins/validation.ts'
import type { Authenticator } from '../../src/ports/authentication.ts'
import type { Actor } from '../../src/ports.ts'
import { registerQueries } from '../../src/queries/index.ts'
import { authenticatorOf } from '../support/authenticators.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { PATIENT } from '../support/unhurried.ts'
import { callsOf } from './documented.ts'
import { ELSEWHERE, faultsIn, type Matrix, methodFaults, OTHER, type Transport, withToken } from './matrix.ts'
import { written } from './written.ts'

let issuer: TestIssuer
let service: TestService
let app: FastifyInstance
let base: string
const agent = new Agent({ keepAlive: true })
before(async () => {
  issuer = await startIssuer()
  // By a key that the issuer has, and an algorithm that is not taken.
  issuer.publish(issuer.key, OTHER)
  service = await startService({
    token: issuer.token({ scope: SCOPES.join(' ') }),
    // Whoever is refused is refused for what they show.
    environment: { ...issuer.environment, ...PATIENT },
  })
  app = await buildApp({ ...service.api, http: service.config.http, log: quiet })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  await addPeople()
})
after(async () => {
  agent.destroy()
  await app?.close()
  await service?.close()
  await issuer?.close()
})

/** Whom and what the document gives examples of: a user who may do a little, at a branch, and the role that they hold. */
async function addPeople(): Promise<void> {
  const scope = 'users:read users:pii users:write roles:write'
  const send = async (method: 'PUT' | 'POST', url: string, payload: object = {}) => {
    const answer = await app.inject({ method, url, headers: withToken(issuer.token({ scope })), payload })
    assert.ok(answer.statusCode < 300, answer.body)
  }
  await send('PUT', '/v1/roles/cashier', {
    title: 'Cashier',
    privileged: false,
    permissions: [{ permission: 'receipt.void', effect: 'approve' }],
  })
  const names = { givenName: 'Zofia', familyName: 'Wójcik' }
  await send('POST', '/v1/users', { username: 'zofia.wojcik', ...names, homeBranchId: 'B001' })
  await send('PUT', '/v1/users/1/roles/cashier?branchId=B001')
  await service.drained()
}

const inject =
  (one: FastifyInstance): Transport =>
  async ({ payload, ...asked }) => {
    const { statusCode, headers, body } = await one.inject({ ...asked, ...(payload === undefined ? {} : { payload }) })
    return { status: statusCode, headers, text: body }
  }

/** A real connection, which what is answered before the router needs. */
const overSocket =
  (to: string): Transport =>
  ({ method, url, headers, payload }) =>
    new Promise((resolve, reject) => {
      const length = payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }
      const asked = request(to + url, { method, headers: { ...headers, ...length }, agent }, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(parts).toString() })
        })
      })
      asked.on('error', reject).end(payload)
    })

async function matrixOf(one: FastifyInstance, ask: Transport = inject(one)): Promise<Matrix> {
  const document = (await one.inject('/docs/json')).json()
  const settings = async () => service.query('SELECT switch_name, setting FROM service_switches')
  return {
    ...{ document, issuer, ask },
    written: async () => ({ ...(await written(service)), settings: await settings() }),
    // What was let in may have suspended them, or worse: then no command would write, whoever asks.
    async prepare() {
      await service.sql("UPDATE users SET status = 'active' WHERE user_id = 1 AND status <> 'active'")
      await service.sql('DELETE FROM user_preferences WHERE user_id = 1')
    },
  }
}

test('every route refuses who may not ask, writes nothing for them, and lets in who may', async () => {
  const matrix = await matrixOf(app)
  assert.ok(callsOf(matrix.document).length > 30)
  assert.deepEqual(await faultsIn(matrix), [])
})

test('so does it over a connection, where the hottest read is answered before the router', async () => {
  const ask = overSocket(base)
  const headers = withToken(issuer.token({ scope: 'users:read' }))
  await until('it is answered out of this process', async () => {
    const answer = await ask({ method: 'GET', url: '/v1/users/1', headers, payload: undefined })
    return answer.headers['read-from'] === 'near'
  })
  assert.deepEqual(await faultsIn(await matrixOf(app, ask)), [])
})

test('no path that the router takes is missing in the document, and no method that is not in it is answered', async () => {
  const matrix = await matrixOf(app)
  const documented = Object.keys(matrix.document.paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'))
  const ours = pathsIn(app.printRoutes({ commonPrefix: false })).filter((path) => /^\/(v1|health)(\/|$)/.test(path))
  assert.deepEqual([...new Set(ours)].sort(), documented.sort())
  assert.deepEqual(
    await methodFaults(
      matrix,
      METHODS.filter((method) => method !== 'CONNECT'),
    ),
    [],
  )
})

/** The tree that Fastify prints, line by line: what stands deeper goes on where the line above it ends. */
function pathsIn(tree: string): string[] {
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S*?)(?: \((.*)\))?$/.exec(line) ?? []
    if (part === '') return []
    const depth = indent.length / 4
    above.length = depth
    above.push(part)
    return methods === undefined ? [] : [above.join('')]
  })
}

// ── That it can fail: what is planted is found ──────────────────────────────────────────────────────────────────────

const nothing: AppDeps['refusals'] = { refused: () => undefined, shedding: () => undefined }

/** The service's own routes, and whatever `more` adds to them, behind whatever `differing` puts in its place. */
async function planted(
  differing: Partial<Pick<AppDeps, 'access' | 'commands'>>,
  more: (v1: FastifyInstance) => void = () => undefined,
): Promise<FastifyInstance> {
  const { access, commands, queries } = { ...service.api, ...differing }
  const one = Fastify()
  one.setValidatorCompiler(compileValidator)
  one.setSerializerCompiler(serializerCompiler)
  takeJsonOnly(one, nothing)
  registerActor(one)
  registerAuthentication(one, access)
  registerErrors(one, quiet)
  await registerDocs(one)
  await one.register(
    async (v1) => {
      registerQueries(v1, queries)
      registerCommands(v1, commands)
      more(v1)
    },
    { prefix: '/v1' },
  )
  await one.ready()
  return one
}

const READ = 'GET /v1/users/{userId}'
const WRITE = 'PUT /v1/users/{userId}/preferences/{key}'
const PLANTED = '/v1/planted'

const faultsOf = async (one: FastifyInstance, among = [READ, WRITE, `GET ${PLANTED}`, `PUT ${PLANTED}`]) => {
  try {
    return await faultsIn(await matrixOf(one), among)
  } finally {
    await one.close()
  }
}
const answer200 = { 200: { description: 'Well.', content: { 'application/json': { schema: z.object({}) } } } }

test('without a plant it finds nothing in an app that is put together so', async () => {
  assert.deepEqual(await faultsOf(await planted({})), [])
})

test('a route without a check is found', async () => {
  const found = await faultsOf(
    await planted({}, (v1) => {
      v1.get('/planted', {
        config: { scope: null },
        schema: { operationId: 'planted', summary: 'Planted', response: answer200 },
        handler: async () => ({}),
      })
    }),
  )
  assert.deepEqual(found, ['GET /v1/planted: has no security requirement'])
})

test('a route that says that it checks and does not is found, each way in', async () => {
  const found = await faultsOf(
    await planted({}, (v1) => {
      v1.get('/planted', {
        config: { scope: null },
        schema: {
          operationId: 'planted',
          summary: 'Planted',
          security: [{ token: ['users:read'] }],
          response: answer200,
        },
        handler: async () => ({}),
      })
    }),
  )
  for (const what of ['no token', 'an expired token', 'alg none', 'all scopes but users:read']) {
    for (const method of ['GET', 'HEAD'])
      assert.ok(
        found.some((fault) => fault.startsWith(`GET /v1/planted: ${method} with ${what} is 200`)),
        what,
      )
  }
})

test('a command that needs no more than reading is found', async () => {
  const found = await faultsOf(
    await planted({}, (v1) => {
      v1.put('/planted', {
        config: { scope: 'users:read' },
        schema: { operationId: 'planted', summary: 'Planted', response: answer200 },
        handler: async () => ({}),
      })
    }),
  )
  assert.deepEqual(found, ['PUT /v1/planted: needs users:read, which is not for that'])
})

test('an authenticator that does not look at the audience is found, and that a command was carried out', async () => {
  const [right, wrong] = await Promise.all([
    authenticatorOf(issuer),
    authenticatorOf(issuer, { environment: { AUTH_AUDIENCE: 'another-service' } }),
  ])
  const lenient: Authenticator = {
    ...right,
    authenticate: (authorization) => right.authenticate(authorization).catch(() => wrong.authenticate(authorization)),
  }
  try {
    const found = await faultsOf(await planted({ access: { ...service.api.access, authenticator: lenient } }))
    assert.deepEqual(
      found.map((fault) => fault.replace(/, not 401: .*/, '')),
      [
        `${READ}: GET with a token for another audience is 200`,
        `${READ}: HEAD with a token for another audience is 200`,
        `${WRITE}: PUT with a token for another audience is 200`,
        `${WRITE}: was refused, and something was written`,
      ],
    )
  } finally {
    right.stop()
    wrong.stop()
  }
})

test('a command whose writes nobody holds to branches is found, and that it has written', async () => {
  const { users } = service.api.commands
  const unlimited = (by: Actor): Actor => ({ ...by, authority: FULL_AUTHORITY })
  const commands = {
    ...service.api.commands,
    users: {
      ...users,
      update: ((userId, context, decide) =>
        users.update(userId, { ...context, by: unlimited(context.by) }, decide)) as typeof users.update,
    },
  }
  const found = await faultsOf(await planted({ commands }))
  assert.deepEqual(
    found.map((fault) => fault.replace(/: \{.*/, '')),
    [
      `${WRITE}: PUT with a token of other branches that may read is 200, not 403`,
      `${WRITE}: PUT with a token of other branches that may not read is 200, not 404`,
      `${WRITE}: was refused, and something was written`,
    ],
  )
})

test('a hot read that asks nobody is found over a connection, and only there', async (t) => {
  const hot = service.api.hot && {
    ...service.api.hot,
    admit: () => ({ personal: true, head: [] }),
    giveBack: () => undefined,
  }
  const one = await buildApp({ ...service.api, hot, http: service.config.http, log: quiet })
  t.after(() => one.close())
  const ask = overSocket(await one.listen({ port: 0, host: '127.0.0.1' }))
  const found = await faultsIn(await matrixOf(one, ask), [READ, WRITE])
  assert.ok(found.some((fault) => fault.startsWith(`${READ}: GET with an expired token is 200`)))
  assert.ok(found.every((fault) => fault.startsWith(`${READ}: GET `)))
  assert.deepEqual(await faultsIn(await matrixOf(one), [READ, WRITE]), [])
})

test('the branches of these tokens are really other ones', async () => {
  const rows = await service.query('SELECT branch_id FROM user_branches')
  assert.ok(rows.length > 0 && rows.every(({ branch_id: id }) => id !== ELSEWHERE))
})
