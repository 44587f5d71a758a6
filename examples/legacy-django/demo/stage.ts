import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { credentialsIn } from '../../../bench/credentials.ts'
import { hasEnded, processes, ROOT } from '../../../bench/processes.ts'
import { freePort } from '../../../src/adapters/redis/free-port.ts'
import type { Evidence } from '../../../src/ports/evidence.ts'
import { legacyDjangoMissing, startLegacyDjango } from '../../../test/support/legacy-django.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import { UNHURRIED } from '../../../test/support/unhurried.ts'

const START_LIMIT_MS = 30_000
const COMMAND_LIMIT_MS = 120_000
const SLOWNESS_MS: [number, number] = [5, 60]
/** Comparisons at a time: enough that each difference can be looked at a second time, a second later. */
const COMPARISONS = '48'

export type Route = {
  route: string
  mode: string
  percent: number | null
  setting: { reason: string; by: string } | null
  evidence: Evidence | null
}
export type Stage = Awaited<ReturnType<typeof setStage>>

/** Both applications and a Redis, over one database in a temporary folder; all of it ends with `stack`. */
export async function setStage(stack: AsyncDisposableStack, { users }: { users: number }) {
  const missing = legacyDjangoMissing()
  if (missing) throw new Error(`The legacy application cannot be started: ${missing}`)
  const dir = await mkdtemp(join(tmpdir(), 'users-service-strangler-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const redis = await startTestRedis()
  stack.defer(redis.stop)
  const running = processes(stack, dir)
  const env = { PATH: process.env.PATH, DATA_DIR: join(dir, 'data'), REDIS_URL: redis.url, LOG_LEVEL: 'warn' }
  const seeding = running.service('seed', ['seed', '--users', String(users)], env)
  await until('the database is filled', async () => hasEnded(seeding), START_LIMIT_MS)
  const django = await startLegacyDjango({
    databasePath: join(dir, 'data', 'users.db'),
    slownessMs: SLOWNESS_MS,
  })
  stack.defer(django.stop)
  const port = await freePort()
  // A machine that also does other things is late at times; what is refused for that is another story.
  const settings = { PORT: String(port), LEGACY_URL: django.url, SHADOW_CONCURRENT: COMPARISONS, ...UNHURRIED }
  const service = running.service('service', ['all', '--seed-users', String(users)], { ...env, ...settings })
  const url = `http://127.0.0.1:${port}`
  const operator = await credentialsIn(env.DATA_DIR, { scopes: ['users:read', 'operate'], subject: 'operator' })
  const clients = await credentialsIn(env.DATA_DIR, {
    scopes: ['users:read', 'users:pii', 'users:write'],
    subject: 'old-terminals',
  })
  await until(
    'the service is ready',
    async () => {
      if (hasEnded(service)) throw new Error(`The service has ended:\n${running.lastWords('service')}`)
      const answer = await fetch(`${url}/v1/users?limit=1`, { headers: operator }).catch(() => null)
      await answer?.body?.cancel()
      return answer?.headers.get('read-from') === 'redis'
    },
    START_LIMIT_MS,
  )
  return {
    url,
    /** What the old clients show. They were given it before anything was moved: Django does not look at it. */
    clients,
    django,
    service,
    lastWords: () => running.lastWords('service'),
    /** `users-service strangler …`; each line that it prints is told. Rejects when it fails. */
    strangler: (args: string[], tell: (line: string) => void) => command(stack, ['strangler', ...args], env, tell),
    async route(id: string): Promise<Route> {
      const { routes } = (await (await fetch(`${url}/v1/strangler/routes`, { headers: operator })).json()) as {
        routes: Route[]
      }
      const found = routes.find(({ route }) => route === id)
      if (!found) throw new Error(`There is no route ${id}`)
      return found
    },
  }
}

async function command(
  stack: AsyncDisposableStack,
  args: string[],
  env: NodeJS.ProcessEnv,
  tell: (line: string) => void,
): Promise<void> {
  if (stack.disposed) throw new Error('the demonstration is ending')
  const child = spawn(process.execPath, ['src/main.ts', ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_LIMIT_MS,
  })
  stack.defer(() => void child.kill())
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk
  })
  createInterface({ input: child.stdout }).on('line', tell)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`users-service ${args.join(' ')} ended with ${code}: ${complaint.trim()}`)
}
