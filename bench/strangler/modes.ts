import { setTimeout as delay } from 'node:timers/promises'
import type { ModeName } from '../../src/domain/strangler.ts'
import type { Operated } from '../resilience/breakers.ts'

export const ROUTE = 'get-user'

const ANSWER_LIMIT_MS = 5_000
/** Promised is a second. */
const IN_FORCE_LIMIT_MS = 5_000
const LOOK_EVERY_MS = 20

type Routes = { routes: { route: string; mode: string }[] }

/** Sets the mode of the route by the first of these processes; resolves when it is in force in all. */
export async function setMode(all: Operated[], mode: Exclude<ModeName, 'canary'>): Promise<void> {
  await ask(all[0], `/${ROUTE}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode, reason: 'Measured' }),
  })
  const limit = performance.now() + IN_FORCE_LIMIT_MS
  for (const one of all) {
    while ((await modeIn(one)) !== mode) {
      if (performance.now() > limit) throw new Error(`${mode} is not in force in time`)
      await delay(LOOK_EVERY_MS)
    }
  }
}

async function modeIn(one: Operated): Promise<string | undefined> {
  const { routes } = JSON.parse(await ask(one, '')) as Routes
  return routes.find(({ route }) => route === ROUTE)?.mode
}

async function ask(
  one: Operated | undefined,
  path: string,
  init: { method?: string; headers?: object; body?: string } = {},
): Promise<string> {
  const url = `http://127.0.0.1:${one?.port}/v1/strangler/routes${path}`
  const headers = { ...one?.credentials, ...init.headers }
  const answer = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
  return text
}
