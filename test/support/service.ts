import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { type Api, wireApi } from '../../src/wiring.ts'
import { startWorkers, type WorkerRole, type Workers } from '../../src/wiring-workers.ts'
import { asking } from './authorised.ts'
import { openTestDatabase, type TestDatabase } from './databases.ts'
import { openTestFeed } from './feeds.ts'
import { startTestRedis } from './redis.ts'
import { developmentToken } from './tokens.ts'
import { UNHURRIED } from './unhurried.ts'

const WAIT_LIMIT_MS = 30_000
/** What is soon so is soon seen; what takes long is looked at seldom, for each look costs the one that is waited for. */
const POLL_MS = 5
const MAX_POLL_MS = 25
const POLLS_SHARE = 0.05

/** Waits until `condition` answers something, and gives it back; rejects in the end with what was waited for. */
export async function until<Value>(
  what: string,
  condition: () => Promise<Value | false | null | undefined>,
  limitMs = WAIT_LIMIT_MS,
): Promise<Value> {
  const begunAt = Date.now()
  for (;;) {
    const value = await condition()
    if (value) return value
    const waitedMs = Date.now() - begunAt
    if (waitedMs > limitMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    const pauseMs = Math.min(MAX_POLL_MS, Math.max(POLL_MS, waitedMs * POLLS_SHARE))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

export const quiet = pino({ level: process.env.TEST_LOG ?? 'silent' })

export type TestRedis = Awaited<ReturnType<typeof startTestRedis>>
export type TestService = {
  /** What is injected, and says nothing of who asks, is asked with `token`. */
  app: FastifyInstance
  /** Of somebody who may do everything. */
  token: string
  /** What `app` answers with. */
  api: Api
  config: Config
  redis: TestRedis
  /** Runs SQL as a program that is not this service would. */
  sql(statement: string, ...params: (string | number | null)[]): Promise<void>
  query(statement: string, ...params: (string | number | null)[]): Promise<Record<string, string | number | null>[]>
  database: Pick<TestDatabase, 'holdWrites' | 'rename' | 'changesWritten'>
  /** By which another process finds the same data folder, Redis and database. */
  environment: Record<string, string>
  startWorker(roles?: WorkerRole[]): Promise<Workers>
  /** Waits until lists may use their indexes. */
  built(): Promise<void>
  /** Waits until every change that was written before has been handled by the workers. */
  drained(): Promise<void>
  close(): Promise<void>
}
export type TestOptions = {
  worker?: boolean
  redis?: TestRedis
  /** Where a database is already; whoever gives it removes it. */
  dataDir?: string
  environment?: Record<string, string>
  /** Of somebody who may do everything, where `environment` names an issuer. */
  token?: string
}

/** The whole service in this process, over real Redis and an embedded database in a temporary folder. */
export async function startService({
  worker = true,
  redis: given,
  dataDir: filled,
  environment = {},
  token: ofIssuer,
}: TestOptions = {}): Promise<TestService> {
  // Else what the test looks at would be another database than the service's.
  assert.ok(!('DATA_DIR' in environment), 'dataDir is for that')
  const dataDir = filled ?? (await mkdtemp(join(tmpdir(), 'users-service-')))
  const redis = given ?? (await startTestRedis())
  const database = await openTestDatabase(dataDir)
  const feed = await openTestFeed()
  // Of the size that it may have it is made at once, and most tests know three users.
  const small = { NEAR_CACHE_BYTES: '4000000' }
  const ours = {
    ...small,
    DATA_DIR: dataDir,
    REDIS_URL: redis.url,
    ...UNHURRIED,
    ...database.environment,
    ...feed.environment,
  }
  const config = readConfig({ ...ours, ...environment })
  const api = await wireApi(config, quiet)
  const token = ofIssuer ?? (await developmentToken(config))
  const app = asking(await buildApp({ ...api, http: config.http, log: quiet }), token)
  const workers: Workers[] = []
  const startWorker = async (roles: WorkerRole[] = ['project']) => {
    // Wherever changes are projected somebody publishes them; a second relay stands by.
    const relay: WorkerRole[] = feed.isRelayed && roles.includes('project') ? ['relay'] : []
    const keeper = await startWorkers(config, quiet, [...roles, ...relay])
    workers.push(keeper)
    return keeper
  }
  const service: TestService = {
    app,
    token,
    api,
    config,
    redis,
    sql: (statement, ...params) => database.run(statement, params),
    query: (statement, ...params) => database.all(statement, params),
    database,
    environment: ours,
    startWorker,
    async built() {
      await until('the read models are built', async () => {
        const answer = await app.inject('/v1/users?limit=1')
        return answer.headers['read-from'] === 'redis'
      })
    },
    async drained() {
      await until('all changes are handled', async () => {
        const [row] = await database.all('SELECT COUNT(*) AS n FROM entity_changes', [])
        return Number(row?.n) === 0 && (await feed.isDrained())
      })
    },
    async close() {
      await app.close()
      for (const keeper of workers) await keeper.stop().catch(() => undefined)
      await api.close()
      await database.close()
      await feed.close()
      if (!given) await redis.stop()
      if (!filled) await rm(dataDir, { recursive: true, force: true })
    },
  }
  try {
    if (worker) {
      await startWorker()
      await service.built()
    }
    return service
  } catch (error) {
    await service.close()
    throw error
  }
}
