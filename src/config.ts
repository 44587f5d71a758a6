import { z } from 'zod'
import { AUDIT_VARIABLES, type AuditConfig, auditFrom } from './config-audit.ts'
import { AUTH_VARIABLES, type AuthConfig, authFrom } from './config-auth.ts'
import { COMMAND_VARIABLES, type CommandsConfig, commandsFrom } from './config-commands.ts'
import { DATABASE_VARIABLES, type DatabaseConfig, databaseFrom } from './config-database.ts'
import {
  type EventsConfig,
  eventsFrom,
  FEED_VARIABLES,
  type FeedConfig,
  feedFrom,
  type KafkaConfig,
  kafkaFrom,
} from './config-feed.ts'
import { HISTORY_VARIABLES, type HistoryConfig, historyFrom } from './config-history.ts'
import { LEGACY_VARIABLES, type LegacyConfig, legacyFrom } from './config-legacy.ts'
import { type GuardsConfig, guardsFrom, LIMIT_VARIABLES, type LimitsConfig, limitsFrom } from './config-limits.ts'
import { METRICS_VARIABLES, type MetricsConfig, metricsFrom } from './config-metrics.ts'
import { NEIGHBOUR_VARIABLES, type NeighboursConfig, neighboursFrom } from './config-neighbours.ts'
import { redisUrl } from './config-redis.ts'
import { environmentFor, TRACING_VARIABLES, type TracingConfig, tracingFrom } from './config-tracing.ts'
import { ConfigError, compileCacheIn, integer } from './config-values.ts'

/** Every setting: one environment variable each. This is the only place that reads the environment. */
export const VARIABLES = {
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  PORT: integer(8080, 0, 65_535, 'Port to listen on; 0 takes a free one.'),
  ...METRICS_VARIABLES,
  ...TRACING_VARIABLES,
  DATA_DIR: z.string().min(1).default('var').describe('Folder of the embedded database and of the bundled Redis.'),
  ...DATABASE_VARIABLES,
  REDIS_URL: redisUrl('Redis for the read models (docs/redis.md). Absent: `all` starts its own under DATA_DIR.'),
  REDIS_PARTITIONS: integer(
    1,
    1,
    1_024,
    'Parts that users are spread over; more than one uses more masters of a Redis Cluster. A new number builds anew.',
  ),
  PATH: z.string().optional().describe('Where `all` looks for redis-server when REDIS_URL is absent.'),
  REDIS_COMMAND_TIMEOUT_MS: integer(
    500,
    10,
    60_000,
    'Longest silence of Redis while an answer is due; then the connection is given up.',
  ),
  REDIS_READ_DEADLINE_MS: integer(
    150,
    5,
    60_000,
    'Longest time that a reader waits for Redis; then the database answers.',
  ),
  REDIS_CONNECT_TIMEOUT_MS: integer(1_000, 10, 60_000, 'Longest wait for a connection to Redis.'),
  ...FEED_VARIABLES,
  ...NEIGHBOUR_VARIABLES,
  JOBS_REDIS_URL: redisUrl(
    'Redis for the job queue. Absent: the one of the read models, which the jobs then share memory with.',
  ),
  ...AUTH_VARIABLES,
  ...AUDIT_VARIABLES,
  ...LEGACY_VARIABLES,
  ...LIMIT_VARIABLES,
  ...COMMAND_VARIABLES,
  ...HISTORY_VARIABLES,
  INLINE_PROJECTION_MS: integer(
    250,
    0,
    10_000,
    'Longest time that a command waits for its own change to be projected.',
  ),
  NEAR_CACHE_BYTES: integer(
    67_108_864,
    0,
    999_999_999,
    'How much each API process keeps of what it has read from Redis; 0 keeps nothing.',
  ),
  BODY_LIMIT_BYTES: integer(65_536, 1_024, 10_485_760, 'Largest request body.'),
  REQUEST_TIMEOUT_MS: integer(10_000, 100, 600_000, 'Longest time in which a request must have arrived whole.'),
  KEEP_ALIVE_TIMEOUT_MS: integer(
    72_000,
    1_000,
    600_000,
    'How long an idle connection stays open; longer than the ingress’s.',
  ),
  MAX_CONNECTIONS: integer(10_000, 1, 1_000_000, 'Connections at the same time; more are closed at once.'),
  SHUTDOWN_DRAIN_MS: integer(500, 0, 60_000, 'How long requests are still taken after SIGTERM, one a connection.'),
  SHUTDOWN_GRACE_MS: integer(10_000, 0, 600_000, 'How long everything may take to end after SIGTERM.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  LOG_FORMAT: z.enum(['auto', 'json', 'pretty']).default('auto').describe('`auto`: pretty on a terminal, else JSON.'),
} as const

export const Environment = z.object(VARIABLES)
type Environment = z.infer<typeof Environment>

export type Config = {
  http: {
    host: string
    port: number
    bodyLimitBytes: number
    requestTimeoutMs: number
    keepAliveTimeoutMs: number
    maxConnections: number
    drainMs: number
  } & GuardsConfig
  metrics: MetricsConfig
  tracing: TracingConfig
  dataDir: string
  /** Null: the embedded one, under `dataDir`. */
  database: DatabaseConfig | null
  /** A PATH. */
  searchPath: string
  redis: {
    url: string | null
    partitions: number
    readDeadlineMs: number
    commandTimeoutMs: number
    connectTimeoutMs: number
  }
  feed: FeedConfig
  /** Null: no broker is named. */
  kafka: KafkaConfig | null
  /** Null: commands are not published. */
  events: EventsConfig | null
  /** Null: the Redis of the read models. */
  jobs: { redisUrl: string | null }
  audit: AuditConfig
  legacy: LegacyConfig
  auth: AuthConfig
  limits: LimitsConfig
  neighbours: NeighboursConfig
  commands: CommandsConfig
  history: HistoryConfig
  inlineProjectionMs: number
  nearCacheBytes: number
  shutdownGraceMs: number
  log: { level: Environment['LOG_LEVEL']; format: Environment['LOG_FORMAT'] }
}

export { ConfigError }

/** Reads the environment. Empty counts as absent. Throws ConfigError that names each wrong variable and what is allowed. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, environment[name] || undefined]))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new ConfigError(`Wrong settings. ${faults.join('; ')}`)
  }
  return configFrom(parsed.data, environment)
}

function configFrom(env: Environment, environment: NodeJS.ProcessEnv): Config {
  return {
    http: {
      host: env.HOST,
      port: env.PORT,
      bodyLimitBytes: env.BODY_LIMIT_BYTES,
      requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
      keepAliveTimeoutMs: env.KEEP_ALIVE_TIMEOUT_MS,
      maxConnections: env.MAX_CONNECTIONS,
      drainMs: env.SHUTDOWN_DRAIN_MS,
      ...guardsFrom(env),
    },
    metrics: metricsFrom(env),
    tracing: tracingFrom(env),
    dataDir: env.DATA_DIR,
    database: databaseFrom(env, environment),
    searchPath: env.PATH ?? '',
    redis: {
      url: env.REDIS_URL ?? null,
      partitions: env.REDIS_PARTITIONS,
      readDeadlineMs: env.REDIS_READ_DEADLINE_MS,
      commandTimeoutMs: env.REDIS_COMMAND_TIMEOUT_MS,
      connectTimeoutMs: env.REDIS_CONNECT_TIMEOUT_MS,
    },
    feed: feedFrom(env),
    kafka: kafkaFrom(env),
    events: eventsFrom(env),
    jobs: { redisUrl: env.JOBS_REDIS_URL ?? null },
    audit: auditFrom(env),
    legacy: legacyFrom(env),
    auth: authFrom(env),
    limits: limitsFrom(env),
    neighbours: neighboursFrom(env),
    commands: commandsFrom(env),
    history: historyFrom(env),
    inlineProjectionMs: env.INLINE_PROJECTION_MS,
    nearCacheBytes: env.NEAR_CACHE_BYTES,
    shutdownGraceMs: env.SHUTDOWN_GRACE_MS,
    log: { level: env.LOG_LEVEL, format: env.LOG_FORMAT },
  }
}

/** What agents that know no other way to be told find in the environment, while they load. */
export const inEnvironment = environmentFor(process.env)

export const setCompileCache = compileCacheIn(process.env)
