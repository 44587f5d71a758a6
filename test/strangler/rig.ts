import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildApp } from '../../src/app.ts'
import { wireApi } from '../../src/wiring.ts'
import type { Owner } from '../contract/rig.ts'
import { NO_TOKEN } from '../support/authorised.ts'
import { quiet, startService, type TestOptions, type TestService } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'

/** As the legacy application shows the users that `addUsers` makes. */
export const legacyUser = (id: number) => ({
  ...{ id, username: `user.${id}`, first_name: 'Ann', last_name: `Lee ${id}`, email: '', phone: '', title: '' },
  ...{ is_active: true, home_branch: null, branches: [], updated: '2024-01-01T00:00:00Z' },
})
export type Respond = (request: IncomingMessage, response: ServerResponse) => void

/** Answers users as it should, and anything else by its method and path. */
export const wellBehaved: Respond = ({ method, url = '' }, response) => {
  const id = method === 'GET' ? /^\/users\/(\d+)\/$/.exec(url)?.[1] : undefined
  const body = id === undefined ? { legacy: `${method} ${url}` } : legacyUser(Number(id))
  answerWith(response, body)
}

export function answerWith(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

/** A legacy application on loopback whose answers are the test's. */
export async function startLegacy(t: Owner, respond: Respond = wellBehaved) {
  let current = respond
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    current(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    server,
    answerBy(next: Respond): void {
      current = next
    },
  }
}

export type Client = Awaited<ReturnType<typeof listen>>

/** The service in front of a legacy application, listening. */
export async function startFront(t: Owner, legacyUrl: string | null, options: TestOptions = {}) {
  const environment = { ...(legacyUrl === null ? {} : { LEGACY_URL: legacyUrl }), ...options.environment }
  const service = await startService({ ...options, environment })
  t.after(service.close)
  return { service, ...(await listen(service.app, service.token)) }
}

/** Another replica, on the same database and the same Redis. */
export async function anotherReplica(t: Owner, { config, token }: TestService) {
  const api = await wireApi(config, quiet)
  const app = await buildApp({ ...api, http: config.http, log: quiet })
  t.after(async () => {
    await app.close()
    await api.close()
  })
  return listen(app, token)
}

/** What is asked without a word of who asks is asked with `token`. */
export async function listen(app: Awaited<ReturnType<typeof buildApp>>, token: string) {
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (headers.get('authorization') === NO_TOKEN) headers.delete('authorization')
    else if (!headers.has('authorization')) headers.set('authorization', bearer(token))
    const answer = await fetch(base + path, { ...init, headers })
    const text = await answer.text()
    const json = () => JSON.parse(text)
    return { status: answer.status, headers: answer.headers, by: answer.headers.get('answered-by'), text, json }
  }
  const send = (method: string, path: string, body?: unknown) =>
    ask(path, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  const set = async (route: string, mode: object, reason = 'test') => {
    const answer = await send('PUT', `/v1/strangler/routes/${route}`, { ...mode, reason })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.json()
  }
  const routeOf = async (route: string) =>
    (await ask('/v1/strangler/routes')).json().routes.find((one: { route: string }) => one.route === route)
  return { base, token, ask, send, set, routeOf }
}

/** Users 1 to `count`, as `legacyUser` shows them. */
export async function addUsers(service: TestService, count: number): Promise<void> {
  for (let id = 1; id <= count; id += 1) {
    const at = '2024-01-01 00:00:00.000'
    await service.sql(
      'INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[id, `user.${id}`, 'Ann', `Lee ${id}`, 'active', at, at],
    )
  }
  await service.drained()
}
