import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusal } from '../../../test/support/users.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Mode, RouteSetting } from '../../domain/strangler.ts'
import type { Evidence } from '../../ports/evidence.ts'
import { listRoutes } from './handler.ts'

const ROUTE = { id: 'get-user', method: 'GET', path: '/users/:id/' } as const
const SETTING: RouteSetting = { mode: 'canary', percent: 5, reason: 'r', by: 'b', at: '2024-06-01T09:00:00.000Z' }

async function listed(mode: Mode, setting: RouteSetting | null, evidence: () => Promise<Evidence | null>) {
  const asked: string[][] = []
  const handle = listRoutes({
    switches: { settings: () => new Map() },
    legacyRoutes: [ROUTE],
    modes: { of: () => ({ mode, setting }) },
    evidence: {
      read(route, since) {
        asked.push([route, since])
        return evidence()
      },
    },
  })
  return { routes: await handle(), asked }
}

test('each route with its mode, who said so, and what was seen since', async () => {
  const seen = { since: SETTING.at } as Evidence
  const { routes, asked } = await listed({ mode: 'canary', percent: 5 }, SETTING, async () => seen)
  const route = { route: 'get-user', name: 'GET:/users/:id', mode: 'canary', percent: 5, setting: SETTING }
  assert.deepEqual(routes, [{ ...route, evidence: seen }])
  assert.deepEqual(asked, [['get-user', SETTING.at]])
})

test('of a canary that was set back that is shown by which it was judged', async () => {
  const back: RouteSetting = { mode: 'legacy', reason: 'r', by: 'parachute', at: 'later', judged: SETTING.at }
  const { asked } = await listed({ mode: 'legacy' }, back, async () => null)
  assert.deepEqual(asked, [['get-user', SETTING.at]])
})

test('a route that nobody has set is as it starts; only a canary has a percentage', async () => {
  const { routes, asked } = await listed({ mode: 'native' }, null, async () => null)
  assert.deepEqual([routes[0]?.mode, routes[0]?.percent, routes[0]?.setting], ['native', null, null])
  assert.deepEqual(asked, [['get-user', 'start']])
})

test('where what was seen cannot be read, who answers is told all the same', async () => {
  const { routes } = await listed({ mode: 'native' }, null, () => Promise.reject(new Error('no Redis')))
  assert.deepEqual([routes[0]?.mode, routes[0]?.evidence], ['native', null])
})

test('while nobody knows what is set, it is not shown as unset', async () => {
  const settings = () => {
    throw new DomainError('database-unavailable', 'not read yet')
  }
  const list = listRoutes({
    ...{
      switches: { settings },
      legacyRoutes: [ROUTE],
      modes: { of: () => ({ mode: { mode: 'legacy' }, setting: null }) },
    },
    evidence: { read: async () => null },
  })
  await assert.rejects(list, refusal('database-unavailable'))
})
