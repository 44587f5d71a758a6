import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UNLIMITED } from '../../../src/domain/authority.ts'
import { seedRoles } from '../../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../../src/jobs/seed/users.ts'
import { legacyRoutes } from '../../../src/legacy/index.ts'
import type { LegacyRequest, LegacyRoute } from '../../../src/ports/strangler.ts'
import { type Comparable, compare, type Difference } from '../../../src/strangler/shadow/compare.ts'
import { databasePath } from '../../../src/wiring-database.ts'
import { loadMadeUpUsers } from '../../../src/wiring-made-up-users.ts'
import { type LegacyDjango, startLegacyDjango } from '../../support/legacy-django.ts'
import { startService, type TestService } from '../../support/service.ts'

export const SEED = 1
const JSON_SENT = { 'content-type': 'application/json' }
const BY = { name: 'a test', requestId: 'r-1', address: '127.0.0.1', ...UNLIMITED }

/** Both applications, over one database of made-up people. */
export type Both = {
  service: TestService
  django: LegacyDjango
  databasePath: string
  /** What the route answers, as it would be sent. */
  native(routeId: string, asked: Asked): Promise<Comparable>
  legacy(path: string, patch?: object): Promise<Comparable>
  /** In what the two differ. */
  differences(routeId: string, path: string, asked: Asked): Promise<Difference[]>
  close(): Promise<void>
}
export type Asked = Partial<Pick<LegacyRequest, 'params' | 'query' | 'body'>>

export const people = (count: number) => [...seedUsers({ count, seed: SEED })]
export const roles = seedRoles()

export async function startBoth(users: number): Promise<Both> {
  const started = new AsyncDisposableStack()
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'users-service-both-'))
    started.defer(() => rm(dataDir, { recursive: true, force: true }))
    const path = databasePath({ dataDir })
    loadMadeUpUsers({ path, users, seed: SEED, onProgress: () => undefined })
    const service = await startService({ dataDir })
    started.defer(service.close)
    const django = await startLegacyDjango({ databasePath: path, slownessMs: [0, 0] })
    started.defer(django.stop)
    const routes = legacyRoutes({ ...service.api.commands, ...service.api.queries })
    return { ...asking(routes, django), service, django, databasePath: path, close: () => started.disposeAsync() }
  } catch (error) {
    await started.disposeAsync()
    throw error
  }
}

function asking(routes: LegacyRoute[], django: LegacyDjango) {
  const routeOf = (id: string): LegacyRoute => {
    const route = routes.find((one) => one.id === id)
    if (!route) throw new Error(`there is no route ${id}`)
    return route
  }
  const native = async (routeId: string, asked: Asked): Promise<Comparable> => {
    const request = { params: {}, query: '', headers: JSON_SENT, body: undefined, by: BY, ...asked }
    assert.ok(routeOf(routeId).takes(request), `${routeId} takes ${JSON.stringify(asked)}`)
    const { status, headers, body } = await routeOf(routeId).answer(request)
    return { status, headers, body: JSON.parse(JSON.stringify(body)) }
  }
  const legacy = async (path: string, patch?: object): Promise<Comparable> => {
    const how = { method: 'PATCH', headers: JSON_SENT, body: JSON.stringify(patch) }
    const answer = await fetch(`${django.url}${path}`, patch ? how : {})
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() }
  }
  return {
    native,
    legacy,
    async differences(routeId: string, path: string, asked: Asked) {
      return compare(await legacy(path), await native(routeId, asked), routeOf(routeId).rules, Number.MAX_SAFE_INTEGER)
    },
  }
}
