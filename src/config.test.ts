import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Config, ConfigError, readConfig } from './config.ts'
import { DATABASE_VARIABLES } from './config-database.ts'
import { FEED_VARIABLES } from './config-feed.ts'
import { TRACING_VARIABLES } from './config-tracing.ts'
import { settings } from './settings.ts'

const DEFAULTS: Config = {
  tracing: null,
  http: {
    host: '127.0.0.1',
    port: 8080,
    bodyLimitBytes: 65_536,
    requestTimeoutMs: 10_000,
    keepAliveTimeoutMs: 72_000,
    maxConnections: 10_000,
    drainMs: 500,
    corsOrigins: [],
    overload: { searchesDelayMs: 50, delayMs: 120, searchesBusyPercent: 0 },
  },
  metrics: null,
  dataDir: 'var',
  database: null,
  searchPath: '',
  redis: { url: null, partitions: 1, readDeadlineMs: 150, commandTimeoutMs: 500, connectTimeoutMs: 1_000 },
  feed: { kind: 'direct', pollMs: 25, leaseMs: 10_000, longestTransactionMs: 600_000, relayLeaseMs: 5_000 },
  kafka: null,
  events: null,
  jobs: { redisUrl: null },
  audit: {
    sampleSize: 500,
    sampleEveryMs: 60_000,
    walkEveryMs: 14_400_000,
    recheckAfterMs: 10_000,
    usersPerSecond: 1_000,
  },
  auth: {
    issuer: null,
    developmentKeyFile: 'var/development-key.json',
    algorithms: ['RS256', 'ES256'],
    tokenType: 'at+jwt',
    clockSkewS: 5,
    longestTokenS: 86_400,
    branchesClaim: 'branches',
    userIdClaim: 'user_id',
    identity: null,
  },
  limits: { reads: 600_000, searches: 6_000, writes: 6_000, refusals: 600 },
  neighbours: {
    profileDeadlineMs: 500,
    branches: { url: null, callMs: 400, attemptMs: 200, concurrent: 32 },
    people: { url: null, callMs: 400, attemptMs: 200, concurrent: 32 },
    freshMs: 60_000,
    staleMs: 86_400_000,
  },
  legacy: {
    url: null,
    connectMs: 1_000,
    deadlineMs: 30_000,
    silenceMs: 60_000,
    streamSilenceMs: 3_600_000,
    requestMs: 600_000,
    concurrent: 64,
    waiting: 256,
    streams: 256,
    idleMs: 1_000,
    trustedProxies: [],
    takesTokens: false,
    startModes: {},
    shadow: { samplePercent: 100, concurrent: 32 },
  },
  commands: { keysKeptMs: 86_400_000 },
  history: {
    keptMs: null,
    verify: { everyMs: 86_400_000, rowsPerSecond: 200, hadRetention: false, unchainedBefore: null },
  },
  inlineProjectionMs: 250,
  nearCacheBytes: 67_108_864,
  shutdownGraceMs: 10_000,
  log: { level: 'info', format: 'auto' },
}

test('an empty environment is the defaults', () => {
  assert.deepEqual(readConfig({}), DEFAULTS)
})

test('an empty variable counts as absent', () => {
  assert.deepEqual(readConfig(Object.fromEntries(settings().map(({ name }) => [name, '']))), DEFAULTS)
})

test('variables that are none of ours are left alone', () => {
  assert.deepEqual(readConfig({ SHELL: '/bin/sh', PORTS: 'x', port: 'x', NODE_ENV: 'production' }), DEFAULTS)
})

/** A value that is not the default, and where it is to be found. */
const VARIABLES: [name: string, value: string, read: (config: Config) => unknown, found: unknown][] = [
  ['HOST', '0.0.0.0', ({ http }) => http.host, '0.0.0.0'],
  ['PORT', '9090', ({ http }) => http.port, 9090],
  ['METRICS_PORT', '9464', ({ metrics }) => metrics?.port, 9464],
  ['DATA_DIR', '/srv/users', ({ dataDir }) => dataDir, '/srv/users'],
  ['REDIS_URL', 'rediss://u:p@redis:6380/2', ({ redis }) => redis.url, 'rediss://u:p@redis:6380/2'],
  ['REDIS_READ_DEADLINE_MS', '16', ({ redis }) => redis.readDeadlineMs, 16],
  ['REDIS_PARTITIONS', '7', ({ redis }) => redis.partitions, 7],
  ['PATH', '/a:/b', ({ searchPath }) => searchPath, '/a:/b'],
  ['REDIS_COMMAND_TIMEOUT_MS', '11', ({ redis }) => redis.commandTimeoutMs, 11],
  ['REDIS_CONNECT_TIMEOUT_MS', '12', ({ redis }) => redis.connectTimeoutMs, 12],
  ['FEED', 'kafka', ({ feed }) => feed.kind, 'kafka'],
  ['RELAY_LEASE_MS', '515', ({ feed }) => feed.relayLeaseMs, 515],
  ['EVENTS', 'on', ({ events }) => events?.personalFields, []],
  ['FEED_POLL_MS', '13', ({ feed }) => feed.pollMs, 13],
  ['FEED_LEASE_MS', '514', ({ feed }) => feed.leaseMs, 514],
  ['LONGEST_TRANSACTION_MS', '1014', ({ feed }) => feed.longestTransactionMs, 1_014],
  ['JOBS_REDIS_URL', 'redis://jobs:6381', ({ jobs }) => jobs.redisUrl, 'redis://jobs:6381'],
  ['AUTH_ALGORITHMS', 'PS256,Ed25519', ({ auth }) => auth.algorithms, ['PS256', 'Ed25519']],
  ['AUTH_TOKEN_TYPE', 'JWT', ({ auth }) => auth.tokenType, 'JWT'],
  ['AUTH_CLOCK_SKEW_S', '6', ({ auth }) => auth.clockSkewS, 6],
  ['AUTH_LONGEST_TOKEN_S', '61', ({ auth }) => auth.longestTokenS, 61],
  ['AUTH_BRANCHES_CLAIM', 'https://x/branches', ({ auth }) => auth.branchesClaim, 'https://x/branches'],
  ['AUTH_USER_ID_CLAIM', 'uid', ({ auth }) => auth.userIdClaim, 'uid'],
  ['AUDIT_SAMPLE_SIZE', '21', ({ audit }) => audit.sampleSize, 21],
  ['AUDIT_SAMPLE_EVERY_MS', '2200', ({ audit }) => audit.sampleEveryMs, 2_200],
  ['AUDIT_WALK_EVERY_MS', '23000', ({ audit }) => audit.walkEveryMs, 23_000],
  ['AUDIT_RECHECK_AFTER_MS', '3240', ({ audit }) => audit.recheckAfterMs, 3_240],
  ['AUDIT_USERS_PER_SECOND', '25', ({ audit }) => audit.usersPerSecond, 25],
  ['AUDIT_CHAIN_EVERY_MS', '26000', ({ history }) => history.verify.everyMs, 26_000],
  ['AUDIT_CHAIN_ROWS_PER_SECOND', '27', ({ history }) => history.verify.rowsPerSecond, 27],
  ['AUDIT_CHAIN_HAD_RETENTION', 'on', ({ history }) => history.verify.hadRetention, true],
  ['PROFILE_DEADLINE_MS', '27', ({ neighbours }) => neighbours.profileDeadlineMs, 27],
  ['BRANCHES_URL', 'http://b:81/x', ({ neighbours }) => neighbours.branches.url, 'http://b:81/x'],
  ['BRANCHES_CALL_MS', '282', ({ neighbours }) => neighbours.branches.callMs, 282],
  ['BRANCHES_ATTEMPT_MS', '29', ({ neighbours }) => neighbours.branches.attemptMs, 29],
  ['BRANCHES_CONCURRENT', '30', ({ neighbours }) => neighbours.branches.concurrent, 30],
  ['PEOPLE_URL', 'https://p', ({ neighbours }) => neighbours.people.url, 'https://p'],
  ['PEOPLE_CALL_MS', '284', ({ neighbours }) => neighbours.people.callMs, 284],
  ['PEOPLE_ATTEMPT_MS', '33', ({ neighbours }) => neighbours.people.attemptMs, 33],
  ['PEOPLE_CONCURRENT', '34', ({ neighbours }) => neighbours.people.concurrent, 34],
  ['NEIGHBOUR_FRESH_MS', '1035', ({ neighbours }) => neighbours.freshMs, 1_035],
  ['NEIGHBOUR_STALE_MS', '86400036', ({ neighbours }) => neighbours.staleMs, 86_400_036],
  ['LEGACY_URL', 'http://old:81/x', ({ legacy }) => legacy.url, 'http://old:81/x'],
  ['LEGACY_CONNECT_MS', '1041', ({ legacy }) => legacy.connectMs, 1_041],
  ['LEGACY_DEADLINE_MS', '342', ({ legacy }) => legacy.deadlineMs, 342],
  ['LEGACY_SILENCE_MS', '343', ({ legacy }) => legacy.silenceMs, 343],
  ['LEGACY_STREAM_SILENCE_MS', '344', ({ legacy }) => legacy.streamSilenceMs, 344],
  ['LEGACY_REQUEST_MS', '1345', ({ legacy }) => legacy.requestMs, 1_345],
  ['LEGACY_CONCURRENT', '46', ({ legacy }) => legacy.concurrent, 46],
  ['LEGACY_WAITING', '47', ({ legacy }) => legacy.waiting, 47],
  ['LEGACY_STREAMS', '48', ({ legacy }) => legacy.streams, 48],
  ['LEGACY_IDLE_MS', '49', ({ legacy }) => legacy.idleMs, 49],
  ['TRUSTED_PROXIES', '10.0.0.0/8,::1', ({ legacy }) => legacy.trustedProxies, ['10.0.0.0/8', '::1']],
  ['LEGACY_TOKENS', 'passed', ({ legacy }) => legacy.takesTokens, true],
  ['SHADOW_SAMPLE_PERCENT', '50', ({ legacy }) => legacy.shadow.samplePercent, 50],
  ['SHADOW_CONCURRENT', '51', ({ legacy }) => legacy.shadow.concurrent, 51],
  ['AUDIT_RETENTION_DAYS', '3', ({ history }) => (history.keptMs ?? 0) / 86_400_000, 3],
  ['IDEMPOTENCY_KEY_TTL_HOURS', '2', ({ commands }) => commands.keysKeptMs / 3_600_000, 2],
  ['INLINE_PROJECTION_MS', '15', ({ inlineProjectionMs }) => inlineProjectionMs, 15],
  ['RATE_LIMIT_READS', '61', ({ limits }) => limits.reads, 61],
  ['RATE_LIMIT_SEARCHES', '62', ({ limits }) => limits.searches, 62],
  ['RATE_LIMIT_WRITES', '63', ({ limits }) => limits.writes, 63],
  ['RATE_LIMIT_REFUSALS', '64', ({ limits }) => limits.refusals, 64],
  ['OVERLOAD_SEARCHES_DELAY_MS', '65', ({ http }) => http.overload.searchesDelayMs, 65],
  ['OVERLOAD_DELAY_MS', '66', ({ http }) => http.overload.delayMs, 66],
  ['OVERLOAD_SEARCHES_BUSY_PERCENT', '67', ({ http }) => http.overload.searchesBusyPercent, 67],
  ['CORS_ORIGINS', 'https://a,http://b:81', ({ http }) => http.corsOrigins, ['https://a', 'http://b:81']],
  ['NEAR_CACHE_BYTES', '1016', ({ nearCacheBytes }) => nearCacheBytes, 1_016],
  ['BODY_LIMIT_BYTES', '1026', ({ http }) => http.bodyLimitBytes, 1_026],
  ['REQUEST_TIMEOUT_MS', '117', ({ http }) => http.requestTimeoutMs, 117],
  ['KEEP_ALIVE_TIMEOUT_MS', '1018', ({ http }) => http.keepAliveTimeoutMs, 1_018],
  ['MAX_CONNECTIONS', '19', ({ http }) => http.maxConnections, 19],
  ['SHUTDOWN_DRAIN_MS', '26', ({ http }) => http.drainMs, 26],
  ['SHUTDOWN_GRACE_MS', '20', ({ shutdownGraceMs }) => shutdownGraceMs, 20],
  ['LOG_LEVEL', 'silent', ({ log }) => log.level, 'silent'],
  ['LOG_FORMAT', 'json', ({ log }) => log.format, 'json'],
]

describe('each variable sets its own setting, and no other', () => {
  const everySetting = (config: Config) => VARIABLES.map(([, , read]) => read(config))
  for (const [index, [name, value, , found]] of VARIABLES.entries()) {
    test(name, () => {
      const expected = everySetting(DEFAULTS).with(index, found)
      assert.notDeepEqual(expected, everySetting(DEFAULTS))
      assert.deepEqual(everySetting(readConfig({ [name]: value })), expected)
    })
  }
  test('and there are no others', () => {
    assert.deepEqual(
      settings()
        .map(({ name }) => name)
        .sort(),
      [...VARIABLES.map(([name]) => name), ...Object.keys(DATABASE_VARIABLES), ...OF_OTHERS].sort(),
    )
  })
})

/** Which are settings only where something else is set (the tests of config-auth, -feed, -history, -legacy, -metrics, -tracing). */
const OF_OTHERS = [
  ...Object.keys(TRACING_VARIABLES),
  ...Object.keys(FEED_VARIABLES).filter((name) => name.startsWith('KAFKA_')),
  ...['AUTH_ISSUER', 'AUTH_AUDIENCE', 'AUTH_JWKS_URL'],
  ...['AUTH_IDENTITY_HEADER', 'AUTH_IDENTITY_PROXIES', 'AUTH_IDENTITY_SCOPES'],
  ...['EVENTS_PERSONAL_FIELDS', 'METRICS_HOST', 'STRANGLER_MODES', 'AUDIT_CHAIN_UNCHAINED_BEFORE'],
]
/** Of tracing. */
const WITH_DEFAULTS = [
  ...['NEW_RELIC_APP_NAME', 'NEW_RELIC_PORT', 'NEW_RELIC_LOG_LEVEL', 'OTEL_SERVICE_NAME', 'OTEL_TRACES_SAMPLER_ARG'],
  'TRACING_HOT_ONE_IN',
]
const OF_KAFKA: Record<string, (config: Config) => unknown> = {
  KAFKA_PARTITIONS: ({ kafka }) => kafka?.partitions,
  KAFKA_REPLICATION: ({ kafka }) => kafka?.replication,
  KAFKA_SESSION_TIMEOUT_MS: ({ kafka }) => kafka?.sessionTimeoutMs,
  KAFKA_REBALANCE_TIMEOUT_MS: ({ kafka }) => kafka?.rebalanceTimeoutMs,
}
/** Which are settings only where there is an agent. */
const OF_TRACING: Record<string, (config: Config) => unknown> = {
  NEW_RELIC_PORT: ({ tracing }) => (tracing?.agent === 'newrelic' ? tracing.port : null),
  TRACING_HOT_ONE_IN: ({ tracing }) => tracing?.hotOneIn,
}
/** Which are settings only where a database is named. */
const OF_THE_DATABASE: Record<string, (config: Config) => unknown> = {
  DATABASE_READ_CONNECTIONS: ({ database }) => database?.read.connections,
  DATABASE_WRITE_CONNECTIONS: ({ database }) => database?.write.connections,
  DATABASE_SCAN_CONNECTIONS: ({ database }) => database?.scan.connections,
  DATABASE_READ_PROCESSES: ({ database }) => database?.read.processes,
  DATABASE_READ_TIMEOUT_MS: ({ database }) => database?.read.timeoutMs,
  DATABASE_WRITE_TIMEOUT_MS: ({ database }) => database?.write.timeoutMs,
  DATABASE_SCAN_TIMEOUT_MS: ({ database }) => database?.scan.timeoutMs,
  DATABASE_CONNECT_TIMEOUT_MS: ({ database }) => database?.connectTimeoutMs,
  DATABASE_LOCK_WAIT_MS: ({ database }) => database?.lockWaitMs,
}

/** The range of each number, both ends allowed. */
const RANGES: Record<string, [min: number, max: number]> = {
  KAFKA_PARTITIONS: [1, 1_000],
  KAFKA_REPLICATION: [1, 9],
  KAFKA_SESSION_TIMEOUT_MS: [1_000, 300_000],
  KAFKA_REBALANCE_TIMEOUT_MS: [1_000, 600_000],
  RELAY_LEASE_MS: [500, 600_000],
  DATABASE_READ_CONNECTIONS: [1, 256],
  DATABASE_WRITE_CONNECTIONS: [1, 256],
  DATABASE_SCAN_CONNECTIONS: [1, 64],
  DATABASE_READ_PROCESSES: [1, 16],
  DATABASE_READ_TIMEOUT_MS: [50, 60_000],
  DATABASE_WRITE_TIMEOUT_MS: [100, 60_000],
  DATABASE_SCAN_TIMEOUT_MS: [1_000, 600_000],
  DATABASE_CONNECT_TIMEOUT_MS: [100, 60_000],
  DATABASE_LOCK_WAIT_MS: [1_000, 60_000],
  PORT: [0, 65_535],
  NEW_RELIC_PORT: [1, 65_535],
  TRACING_HOT_ONE_IN: [1, 1_000_000],
  METRICS_PORT: [0, 65_535],
  REDIS_COMMAND_TIMEOUT_MS: [10, 60_000],
  REDIS_CONNECT_TIMEOUT_MS: [10, 60_000],
  REDIS_PARTITIONS: [1, 1_024],
  REDIS_READ_DEADLINE_MS: [5, 60_000],
  FEED_POLL_MS: [5, 60_000],
  FEED_LEASE_MS: [500, 600_000],
  LONGEST_TRANSACTION_MS: [1_000, 86_400_000],
  AUTH_CLOCK_SKEW_S: [0, 300],
  AUTH_LONGEST_TOKEN_S: [60, 2_678_400],
  AUDIT_SAMPLE_SIZE: [1, 100_000],
  AUDIT_SAMPLE_EVERY_MS: [1_000, 86_400_000],
  AUDIT_WALK_EVERY_MS: [10_000, 604_800_000],
  AUDIT_RECHECK_AFTER_MS: [3_000, 600_000],
  AUDIT_USERS_PER_SECOND: [1, 1_000_000],
  AUDIT_CHAIN_EVERY_MS: [1_000, 604_800_000],
  AUDIT_CHAIN_ROWS_PER_SECOND: [1, 1_000_000],
  PROFILE_DEADLINE_MS: [10, 60_000],
  BRANCHES_CALL_MS: [10, 60_000],
  BRANCHES_ATTEMPT_MS: [5, 60_000],
  BRANCHES_CONCURRENT: [1, 10_000],
  PEOPLE_CALL_MS: [10, 60_000],
  PEOPLE_ATTEMPT_MS: [5, 60_000],
  PEOPLE_CONCURRENT: [1, 10_000],
  NEIGHBOUR_FRESH_MS: [100, 86_400_000],
  NEIGHBOUR_STALE_MS: [1_000, 604_800_000],
  LEGACY_CONNECT_MS: [10, 60_000],
  LEGACY_DEADLINE_MS: [50, 600_000],
  LEGACY_SILENCE_MS: [50, 600_000],
  LEGACY_STREAM_SILENCE_MS: [50, 86_400_000],
  LEGACY_REQUEST_MS: [1_000, 86_400_000],
  LEGACY_CONCURRENT: [1, 10_000],
  LEGACY_WAITING: [0, 10_000],
  LEGACY_STREAMS: [0, 100_000],
  LEGACY_IDLE_MS: [1, 600_000],
  SHADOW_SAMPLE_PERCENT: [0, 100],
  SHADOW_CONCURRENT: [1, 1_000],
  RATE_LIMIT_READS: [0, 999_999_999],
  RATE_LIMIT_SEARCHES: [0, 999_999_999],
  RATE_LIMIT_WRITES: [0, 999_999_999],
  RATE_LIMIT_REFUSALS: [0, 999_999_999],
  OVERLOAD_SEARCHES_DELAY_MS: [0, 60_000],
  OVERLOAD_DELAY_MS: [0, 60_000],
  OVERLOAD_SEARCHES_BUSY_PERCENT: [0, 100],
  AUDIT_RETENTION_DAYS: [1, 36_500],
  IDEMPOTENCY_KEY_TTL_HOURS: [1, 720],
  INLINE_PROJECTION_MS: [0, 10_000],
  NEAR_CACHE_BYTES: [0, 999_999_999],
  BODY_LIMIT_BYTES: [1_024, 10_485_760],
  REQUEST_TIMEOUT_MS: [100, 600_000],
  KEEP_ALIVE_TIMEOUT_MS: [1_000, 600_000],
  MAX_CONNECTIONS: [1, 1_000_000],
  SHUTDOWN_DRAIN_MS: [0, 60_000],
  SHUTDOWN_GRACE_MS: [0, 600_000],
}

describe('a number', () => {
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const refusal = new ConfigError(`Wrong settings. ${name}: a whole number, ${min} to ${max}`)

    test(`${name} is from ${min} to ${max}`, () => {
      const read =
        VARIABLES.find(([variable]) => variable === name)?.[2] ??
        OF_THE_DATABASE[name] ??
        OF_KAFKA[name] ??
        OF_TRACING[name]
      const given = {
        DATABASE_URL: name in OF_THE_DATABASE ? 'ibmdb://trs@db/people' : '',
        KAFKA_BROKERS: name in OF_KAFKA ? 'broker:9092' : '',
        NEW_RELIC_LICENSE_KEY: name in OF_TRACING ? 'key' : '',
      }
      for (const value of [min, max]) assert.equal(read?.(readConfig({ ...given, [name]: String(value) })), value)
      for (const value of [min - 1, max + 1]) assert.throws(() => readConfig({ [name]: String(value) }), refusal)
    })

    test(`${name} is in plain digits`, () => {
      for (const value of [
        'x',
        ' 100',
        '100 ',
        '1e3',
        '0x64',
        '1_000',
        '1000.0',
        '+100',
        '-1',
        '٣٠٠',
        '9'.repeat(10),
      ]) {
        assert.throws(() => readConfig({ [name]: value }), refusal, value)
      }
    })
  }

  test('of which one is written down has a range here', () => {
    const numbers = settings().filter(({ allowed }) => allowed.startsWith('a whole number'))
    assert.deepEqual(numbers.map(({ name }) => name).sort(), Object.keys(RANGES).sort())
  })
})

describe('text', () => {
  // Those of Sentinels: src/adapters/redis/sentinel-url.test.ts.
  test('REDIS_URL names one server, or the nodes of a cluster', () => {
    const refusal = new ConfigError(
      'Wrong settings. REDIS_URL: redis://…, rediss://…, redis-cluster://host:port,host:port, or redis-sentinel://host:port,host:port/name',
    )
    for (const url of ['redis://h', 'rediss://h:6380', 'redis://u:p%40@[::1]:6379/1', 'redis-cluster://a:1,b:2']) {
      assert.equal(readConfig({ REDIS_URL: url }).redis.url, url)
    }
    for (const url of [
      'localhost:6379',
      'http://h',
      'redis:/h',
      'redis://',
      'redis://a b',
      ' redis://h',
      'xredis://h',
    ]) {
      assert.throws(() => readConfig({ REDIS_URL: url }), refusal, url)
    }
  })

  test('where a neighbour is, is http or https, without a query', () => {
    for (const url of ['http://branches', 'https://b.example:8443/api/v2/', 'http://[::1]:80']) {
      assert.equal(readConfig({ BRANCHES_URL: url }).neighbours.branches.url, url)
    }
    const refusal = new ConfigError(
      'Wrong settings. PEOPLE_URL: http://… or https://…, without user, password and query',
    )
    for (const url of ['people', 'ftp://people', 'http://', 'http://p?x=1', 'http://p#x', 'http://u:p@p']) {
      assert.throws(() => readConfig({ PEOPLE_URL: url }), refusal, url)
    }
  })

  for (const [name, values] of [
    ['LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'silent']],
    ['LOG_FORMAT', ['auto', 'json', 'pretty']],
  ] as const) {
    test(`${name} is one of a list, and the refusal says which`, () => {
      for (const value of values) assert.ok(Object.values(readConfig({ [name]: value }).log).includes(value))
      for (const value of ['INFO', 'Auto', 'loud', ' json', 'info,']) {
        assert.throws(
          () => readConfig({ [name]: value }),
          (error: Error) => {
            assert.ok(error instanceof ConfigError)
            assert.match(error.message, new RegExp(`^Wrong settings[.] ${name}: `))
            for (const allowed of values) assert.ok(error.message.includes(`"${allowed}"`), error.message)
            return true
          },
        )
      }
    })
  }
})

test('every wrong variable is named, and no value stands in the message', () => {
  const wrong = Object.fromEntries(
    [...Object.keys(RANGES), 'REDIS_URL', 'LOG_LEVEL', 'LOG_FORMAT'].map((name) => [name, `s3cret-${name}`]),
  )
  assert.throws(
    () => readConfig(wrong),
    (error: Error) => {
      assert.ok(error instanceof ConfigError)
      for (const name of Object.keys(wrong)) {
        assert.equal(error.message.split(` ${name}: `).length, 2, `${name} is named once`)
      }
      assert.doesNotMatch(error.message, /s3cret/)
      assert.doesNotMatch(String(error.stack), /s3cret/)
      assert.equal(error.cause, undefined)
      return true
    },
  )
})

test('what is written down as a default is one that is allowed, and gives the default', () => {
  const written = settings().flatMap(({ name, fallback }) => (fallback === null ? [] : [[name, fallback]]))
  assert.deepEqual(readConfig(Object.fromEntries(written)), DEFAULTS)
  assert.deepEqual(
    settings()
      .filter(({ fallback }) => fallback === null)
      .map(({ name }) => name),
    [
      ...[
        'METRICS_PORT',
        'METRICS_HOST',
        ...Object.keys(TRACING_VARIABLES).filter((name) => !WITH_DEFAULTS.includes(name)),
        'DATABASE_URL',
        'DATABASE_PASSWORD_FILE',
        'DATABASE_MAPPING',
        'REDIS_URL',
        'PATH',
        'KAFKA_BROKERS',
      ],
      ...['KAFKA_CA_FILE', 'KAFKA_USERNAME', 'KAFKA_PASSWORD', 'KAFKA_PASSWORD_FILE', 'BRANCHES_URL', 'PEOPLE_URL'],
      ...['JOBS_REDIS_URL', 'AUTH_ISSUER', 'AUTH_AUDIENCE', 'AUTH_JWKS_URL'],
      ...['AUTH_IDENTITY_HEADER', 'AUTH_IDENTITY_PROXIES', 'LEGACY_URL', 'TRUSTED_PROXIES', 'STRANGLER_MODES'],
      ...['CORS_ORIGINS', 'AUDIT_RETENTION_DAYS', 'AUDIT_CHAIN_UNCHAINED_BEFORE'],
    ],
  )
})

test('each setting says what it means and what is allowed', () => {
  for (const { name, meaning, allowed } of settings()) {
    assert.match(meaning, /^\S.*[.]$/, name)
    assert.notEqual(allowed, '', name)
  }
  const allowed = Object.fromEntries(settings().map((setting) => [setting.name, setting.allowed]))
  assert.equal(allowed.PORT, 'a whole number, 0 to 65535')
  assert.equal(allowed.HOST, 'any text')
  assert.equal(
    allowed.REDIS_URL,
    'redis://…, rediss://…, redis-cluster://host:port,host:port, or redis-sentinel://host:port,host:port/name',
  )
  assert.equal(allowed.LOG_FORMAT, 'auto, json, pretty')
})
