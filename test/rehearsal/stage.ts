import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { type Credentials, credentialsIn, NOTHING_REFUSED } from '../../bench/credentials.ts'
import { type Processes, processes, untilDone } from '../../bench/processes.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { type Outbox, openOutbox } from '../soak/outbox.ts'
import { type Asker, asker } from './asker.ts'
import { type Balancer, type Propagation, startBalancer } from './balancer.ts'
import { type Pod, startPod } from './kubelet.ts'
import type { PodSettings, Settings } from './pods.ts'
import { plainRedis, type RedisHost } from './redis-host.ts'

const WHOLE_LIMIT_MS = 120_000
const LOOK_EVERY_MS = 50
/** Changes that wait longer than this are behind. */
const BEHIND_MS = 2_000
const ASK_LIMIT_MS = 5_000
const MOST_WRITTEN = 120

export type Component = 'api' | 'projector' | 'jobs'
const ARGUMENTS: Record<Component, string[]> = {
  api: ['serve'],
  projector: ['work', 'project'],
  jobs: ['work', 'jobs'],
}

export type StageOptions = {
  settings: Settings
  users: number
  seed: number
  propagation: Propagation
  isReadinessIgnored?: boolean
  /** More of the environment of each process. */
  environment?: Record<string, string>
  say(doing: string): void
}
export type Stage = {
  path: string
  users: number
  written: number[]
  balancer: Balancer
  redis: RedisHost
  credentials: Credentials
  processes: Processes
  outbox: Outbox
  settings: Settings
  /** Those that are there, and not on their way out. */
  pods: Map<Component, Pod[]>
  start(component: Component, node: string): Pod
  /** Asks one pod itself. */
  direct(pod: Pod, limitMs?: number): Asker
  /** Resolves when every API process is ready, believes Redis and answers lists from it, and no change is behind. */
  whole(): Promise<void>
  of(component: Component): Pod[]
}

/** A database with people in it, a Redis, and the address before the pods, which are started by the play. */
export async function setStage(stack: AsyncDisposableStack, options: StageOptions): Promise<Stage> {
  const { settings, users, seed, propagation, isReadinessIgnored = false, environment = {}, say } = options
  const dir = await mkdtemp(join(tmpdir(), 'users-service-rehearsal-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const started = processes(stack, dir)
  const redis = await plainRedis({ dir, settings: settings.redis, stack })
  const balancer = await startBalancer({ roll: dice(mulberry32(seed)), propagation })
  stack.defer(balancer.close)
  // Nothing is refused for its number: the clients here are few, and one caller.
  const env = { DATA_DIR: join(dir, 'data'), REDIS_URL: redis.url, LOG_LEVEL: 'warn', ...NOTHING_REFUSED }
  say(`making ${users} users`)
  await untilDone(started.service('seed', ['seed', '--users', String(users)], env), 'seed')
  const path = join(dir, 'data', 'users.db')
  const credentials = await credentialsIn(env.DATA_DIR)
  const outbox = openOutbox(path)
  stack.defer(outbox.close)

  const pods = new Map<Component, Pod[]>()
  const of = (component: Component) => pods.get(component) ?? []
  let number = 0
  const ports = await freePorts()
  const start = (component: Component, node: string): Pod => {
    number += 1
    const name = `${component}-${number}`
    const [http, metrics] = [ports(), ports()]
    const own: PodSettings = settings[component]
    const where = { PORT: String(http), METRICS_PORT: String(metrics), METRICS_HOST: '127.0.0.1' }
    const running = started.service(name, ARGUMENTS[component], {
      ...env,
      ...own.environment,
      ...environment,
      ...where,
    })
    // Who stands still is not ended by SIGTERM.
    stack.defer(async () => void running.child.kill('SIGCONT'))
    const tell = (port: number | null) => balancer.tell(name, port)
    const pod = startPod({ name, node, settings: own, ports: { http, metrics }, running, tell, isReadinessIgnored })
    pods.set(component, [...of(component), pod])
    return pod
  }
  const direct = ({ name, ports: { http } }: Pod, limitMs = ASK_LIMIT_MS) =>
    asker({ port: http, podOf: () => name, credentials, keepAlive: false, limitMs })
  const stage = {
    path,
    users,
    written: activeUsers(path),
    balancer,
    redis,
    credentials,
    processes: started,
    outbox,
    settings,
  }
  return { ...stage, pods, start, direct, of, whole: () => untilWhole(of, direct, outbox) }
}

/** Found beforehand: pods are started without waiting. */
const MOST_PORTS = 120
async function freePorts(): Promise<() => number> {
  const left = await Promise.all(Array.from({ length: MOST_PORTS }, () => freePort()))
  return () => {
    const port = left.pop()
    if (port === undefined) throw new Error(`more than ${MOST_PORTS} ports`)
    return port
  }
}

function activeUsers(path: string): number[] {
  using database = new DatabaseSync(path, { readOnly: true })
  const rows = database
    .prepare(`SELECT user_id AS id FROM users WHERE status = 'active' ORDER BY user_id LIMIT ?`)
    .all(MOST_WRITTEN)
  return (rows as { id: number }[]).map(({ id }) => id)
}

async function untilWhole(of: Stage['of'], direct: Stage['direct'], outbox: Outbox): Promise<void> {
  for (const deadline = Date.now() + WHOLE_LIMIT_MS; Date.now() < deadline; await delay(LOOK_EVERY_MS)) {
    const pods = of('api')
    const whole = await Promise.all(pods.map((pod) => isWhole(pod, direct)))
    if (
      whole.every(Boolean) &&
      [...pods, ...of('projector'), ...of('jobs')].every((pod) => pod.isReady()) &&
      outbox.oldestAgeMs() < BEHIND_MS
    )
      return
  }
  throw new Error(`not whole within ${WHOLE_LIMIT_MS} ms`)
}

/** It believes Redis, and answers lists from it. */
export async function isWhole(pod: Pod, direct: Stage['direct']): Promise<boolean> {
  const own = direct(pod)
  try {
    const health = await own.ask({ method: 'GET', path: '/health/ready' })
    if ('reason' in health || !/"redis":\{"state":"ok"/.test(health.text)) return false
    const list = await own.ask({ method: 'GET', path: '/v1/users?limit=1' })
    return !('reason' in list) && list.header('read-from') === 'redis'
  } finally {
    own.close()
  }
}
