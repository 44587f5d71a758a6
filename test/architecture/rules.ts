/**
 * The rules of docs/decisions/0009-layer-table.md. Paths are from the project's folder, as globs. `type x` in a table
 * allows `import type` only: what is gone at run time.
 */

export type Layer = keyof typeof LAYERS
type Row = {
  files: string[]
  /** A slice is a folder of the layer: it may import itself, and not its neighbours. */
  slices?: boolean
  /** Beside itself. `adapters/sql` is one slice of a layer. */
  mayImport: string[]
}

export const LAYERS = {
  domain: { files: ['src/domain/*.ts'], mayImport: [] },
  ports: { files: ['src/ports.ts', 'src/ports/*.ts'], mayImport: ['domain'] },
  wire: { files: ['src/wire/*.ts'], mayImport: ['domain'] },
  commands: { files: ['src/commands/*/*.ts'], slices: true, mayImport: ['domain', 'ports', 'wire'] },
  projections: {
    files: ['src/projections/*.ts', 'src/projections/*/*.ts', 'src/projections/*/*.lua'],
    mayImport: ['domain', 'ports', 'wire'],
  },
  queries: { files: ['src/queries/*/*.ts'], slices: true, mayImport: ['domain', 'ports', 'wire', 'projections'] },
  // When a job is due, whichever it is.
  'jobs scheduling': { files: ['src/jobs/scheduling.ts'], mayImport: ['type ports'] },
  jobs: { files: ['src/jobs/*/*.ts'], slices: true, mayImport: ['domain', 'ports', 'projections', 'jobs scheduling'] },
  adapters: { files: ['src/adapters/*/*.ts'], slices: true, mayImport: ['domain', 'ports', 'adapters/sql'] },
  plugins: { files: ['src/plugins/*.ts'], mayImport: ['domain', 'ports', 'wire'] },
  strangler: { files: ['src/strangler/*.ts', 'src/strangler/*/*.ts'], mayImport: ['domain', 'ports', 'wire'] },
  legacy: {
    files: ['src/legacy/*/*.ts'],
    slices: true,
    mayImport: ['domain', 'ports', 'wire', 'projections', 'queries', 'commands'],
  },
  // Stands around the stores, so that no slice can forget it.
  'commands guard': { files: ['src/commands/guarded-writes.ts'], mayImport: ['domain', 'ports'] },
  'commands index': { files: ['src/commands/index.ts'], mayImport: ['commands', 'commands guard'] },
  'legacy index': { files: ['src/legacy/index.ts'], mayImport: ['legacy', 'type ports'] },
  'queries index': { files: ['src/queries/index.ts'], mayImport: ['queries'] },
  app: { files: ['src/app.ts'], mayImport: ['commands index', 'queries index', 'plugins', 'strangler'] },
  config: { files: ['src/config.ts', 'src/config-*.ts', 'src/settings.ts'], mayImport: [] },
  wiring: {
    files: ['src/wiring.ts', 'src/wiring-*.ts'],
    mayImport: [
      ...[
        'domain',
        'ports',
        'wire',
        'commands',
        'queries',
        'commands index',
        'queries index',
        'legacy index',
        'projections',
        'jobs',
      ],
      ...['adapters', 'plugins', 'strangler', 'type config'],
    ],
  },
  cli: { files: ['src/cli/*.ts'], mayImport: ['config', 'wiring', 'app', 'workers', 'type ports'] },
  workers: { files: ['workers/*.ts'], mayImport: ['config', 'wiring', 'app', 'type ports'] },
  'command line': { files: ['src/command-line.ts'], mayImport: ['cli', 'type ports'] },
  main: { files: ['src/main.ts'], mayImport: ['config', 'wiring', 'command line', 'type ports'] },
} satisfies Record<string, Row>

const ROUTE = ['zod', 'type fastify', 'type fastify-zod-openapi']

/** What a file may import from npm and from Node: what all rows that match it name together. No row, nothing. */
export const PACKAGES: [files: string, ...packages: string[]][] = [
  ['src/wire/*.ts', 'zod'],
  ['src/wire/{page,idempotency}.ts', 'node:crypto'],
  ['src/commands/*/route.ts', ...ROUTE],
  ['src/queries/*/route.ts', ...ROUTE],
  // Answers before the router: the framework's own request does not exist yet.
  ['src/queries/get-user/hot.ts', 'type node:http'],
  ['src/{commands,queries}/index.ts', 'type fastify'],
  ['src/projections/lua.ts', 'node:fs'],
  ['src/projections/pause.ts', 'node:timers/promises'],
  ['src/projections/user/holders.ts', 'lru-cache'],
  ['src/projections/version-floor.ts', 'lru-cache'],
  ['src/projections/near/{hints,near-cache}.ts', 'lru-cache'],
  ['src/projections/incarnation/begin.ts', 'node:crypto'],
  ['src/projections/user/store.ts', 'node:crypto'],
  ['src/jobs/audit/*.ts', 'node:crypto', 'node:timers/promises'],
  ['src/jobs/rebuild/requests.ts', 'node:crypto'],
  ['src/adapters/*/*.ts', 'node:timers/promises'],
  ['src/adapters/bullmq/*.ts', 'bullmq'],
  ['src/adapters/http/*.ts', 'undici', 'type zod'],
  ['src/adapters/http/{*-service,agreed-text}.ts', 'zod'],
  ['src/adapters/http/circuit.ts', 'opossum'],
  ['src/adapters/http/pool.ts', 'type node:net'],
  ['src/adapters/http/shared-lookup.ts', 'node:dns', 'type node:net'],
  ['src/adapters/http/made-up-draws.ts', 'node:crypto'],
  ['src/adapters/http/made-up-neighbours.ts', 'node:events', 'node:http', 'type node:net'],
  ['src/adapters/jose/{development-*,key-set,key-source,refusal,token-verifier}.ts', 'jose'],
  ['src/adapters/jose/development-key.ts', 'node:crypto', 'node:fs/promises', 'node:path'],
  ['src/adapters/jose/{principals,proxied-identity}.ts', 'lru-cache'],
  ['src/adapters/jose/issuer-request.ts', 'undici'],
  ['src/adapters/jose/proxied-identity.ts', 'node:net'],
  ['src/adapters/kafka/*.ts', 'kafkajs'],
  ['src/adapters/pino/*.ts', 'pino', 'pino-pretty', 'node:tty'],
  ['src/adapters/prometheus/*.ts', '@prometheus-io/client', 'node:perf_hooks'],
  ['src/adapters/prometheus/exposition-server.ts', 'node:events', 'node:http', 'type node:net'],
  ['src/adapters/rate-limits/shared-windows.ts', 'rate-limiter-flexible', 'node:crypto'],
  ['src/adapters/redis/*.ts', 'ioredis', 'node:crypto'],
  ['src/adapters/redis/servers.ts', 'cluster-key-slot'],
  ['src/adapters/redis/read-breaker.ts', 'opossum'],
  // A Redis of our own is a child process.
  ['src/adapters/redis/*-server.ts', 'node:child_process', 'node:events', 'node:fs', 'node:fs/promises', 'node:path'],
  ['src/adapters/redis/local-server.ts', 'node:readline'],
  ['src/adapters/redis/free-port.ts', 'node:events', 'node:net'],
  ['src/adapters/redis/end-with-us.ts', 'type node:child_process'],
  ['src/adapters/redis/one-question.ts', 'node:net'],
  // Hands its connections to ioredis, as ioredis's own connectors do.
  ['src/adapters/redis/sentinel-connector.ts', 'node:net', 'node:tls'],
  // Types of requests and answers only: who is told of them is an adapter.
  ['src/ports/tracing.ts', 'type node:http'],
  ['src/adapters/newrelic/agent.ts', 'node:module'],
  ['src/adapters/newrelic/tracing.ts', 'node:async_hooks'],
  ['src/adapters/opentelemetry/*.ts', '@opentelemetry/api'],
  [
    'src/adapters/opentelemetry/agent.ts',
    '@opentelemetry/context-async-hooks',
    '@opentelemetry/exporter-trace-otlp-proto',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace',
  ],
  ['src/adapters/log-feed/*.ts', 'zod', 'node:crypto'],
  ['src/adapters/informix/driver.ts', 'node:child_process'],
  ['src/adapters/informix/driver-process.ts', 'node:module'],
  ['src/adapters/informix/ddl.ts', 'node:fs'],
  ['src/adapters/informix/schema.ts', 'node:crypto'],
  ['src/adapters/sql/mapped-database.ts', 'lru-cache'],
  ['src/adapters/sql/audit-hash.ts', 'node:crypto'],
  ['src/adapters/sqlite/connection.ts', 'node:sqlite', 'lru-cache'],
  ['src/adapters/sqlite/scan-thread.ts', 'node:worker_threads'],
  ['src/adapters/sqlite/schema.ts', 'node:crypto', 'node:fs', 'node:path'],
  ['src/adapters/sqlite/bulk-load.ts', 'node:fs', 'node:path'],
  [
    'src/{plugins,strangler}/{*,*/*}.ts',
    'fastify',
    'fastify-zod-openapi',
    'zod',
    'node:crypto',
    'node:http',
    'type node:net',
  ],
  ['src/strangler/shadow/readable.ts', 'node:zlib'],
  ['src/strangler/proxy/*.ts', 'type node:stream', 'type node:tls'],
  ['src/strangler/proxy/forwarding.ts', 'node:net'],
  ['src/strangler/proxy/upstream.ts', 'node:https'],
  ['src/{plugins/request-bodies,strangler/taking-over}.ts', 'node:buffer'],
  ['src/plugins/draining.ts', 'node:timers/promises'],
  ['src/plugins/docs.ts', '@fastify/helmet', '@fastify/swagger', '@fastify/swagger-ui'],
  ['src/plugins/address.ts', 'node:net'],
  ['src/plugins/overload.ts', '@fastify/under-pressure'],
  ['src/app.ts', 'fastify', 'fastify-zod-openapi', 'type node:http'],
  [
    'src/{config,config-audit,config-auth,config-commands,config-database,config-feed,config-history,config-legacy,config-limits,config-metrics,config-tracing,config-neighbours,config-redis,config-values,settings}.ts',
    'zod',
  ],
  ['src/config-{database,feed,legacy,tracing}.ts', 'node:fs'],
  ['src/config-auth.ts', 'node:net', 'node:path'],
  ['src/config-legacy.ts', 'node:net'],
  ['src/wiring-{database,own-redis}.ts', 'node:path'],
  ['src/plugins/waiting-server.ts', 'node:events'],
  ['src/wiring-waiting.ts', 'node:timers/promises'],
  ['src/wiring-release.ts', 'node:fs'],
  ['src/wiring-neighbours.ts', 'node:crypto'],
  ['src/main.ts', 'node:module', 'node:path'],
  ['src/command-line.ts', 'commander'],
  ['src/cli/*.ts', 'commander', 'node:fs', 'node:fs/promises', 'node:path'],
  ['src/cli/progress.ts', 'cli-progress'],
  ['src/cli/audited.ts', 'node:os'],
  ['src/cli/stopping.ts', 'close-with-grace'],
  ['src/cli/listening.ts', 'node:events', 'node:net'],
  ['src/cli/single.ts', 'node:crypto'],
  ['src/cli/workers-thread.ts', 'node:worker_threads'],
  ['workers/*-thread.ts', 'node:worker_threads'],
]

/** The only reader of the environment. */
export const ENVIRONMENT_READER = 'src/config.ts'

/** Here the clock, chance and the outside world come in as arguments. */
export const PURE = ['src/domain/*.ts', 'src/commands/*/handler.ts', 'src/queries/*/handler.ts']
export const IMPURE_GLOBALS = [
  ...['console', 'crypto', 'fetch', 'performance', 'process', 'queueMicrotask', 'WebSocket', 'Worker'],
  ...['setImmediate', 'setInterval', 'setTimeout', 'Temporal'],
]

/** Only these know that one of the databases is SQLite; ports.ts may name it, once, as a dialect. */
export const SQLITE_KNOWN_IN = ['src/adapters/sqlite/*.ts', 'src/wiring-{database,made-up-users}.ts']
export const DIALECT_NAMED_IN = 'src/ports.ts'
export const SQLITE_WORDS = /sqlite|pragma|rowid|autoincrement|\b(?:strftime|julianday|unixepoch)\b/i
/** What Informix and SQLite don't share. Upper case, so that it is SQL and not English. */
export const SHARED_SQL_IN = 'src/adapters/sql/*.ts'
export const NOT_SHARED_SQL =
  /\b(?:LIMIT|OFFSET|RETURNING|ON CONFLICT|INSERT OR|REPLACE INTO|MERGE INTO|GLOB|IFNULL|ILIKE|CURRENT_TIMESTAMP)\b|\b(?:DATETIME|DATE|TIME)\('now'|\), *\(\?/

export const MAX_FILE_LINES = 200
export const MAX_FUNCTION_LINES = 70
