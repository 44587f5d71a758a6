import { NOT_TOLD, TRACE_ATTRIBUTES } from '../../ports/tracing.ts'

export type NewRelicOptions = {
  licenseKey: string
  appName: string
  host: string | null
  port: number
  /** PEM. */
  certificates: string | null
  proxyUrl: string | null
  logLevel: string
  hotOneIn: number
}

/** What the agent adds by itself, and holds nobody's data: of requests, of errors, and of Redis. */
const OWN_ATTRIBUTES = [
  ...['request.method', 'http.statusCode', 'error.group.name', 'error.class', 'error.expected'],
  ...['host', 'port_path_or_id', 'database_name', 'product', 'procedure', 'server.address', 'server.port', 'component'],
]

/**
 * What it instruments, and is not to: hooks and handlers of Fastify are a span each, at the price of a whole request, and are
 * told of by their names; what is published and taken in is told of in batches (adapters/kafka/traced-log.ts); log lines are not sent; files, sockets and sums say nothing.
 */
const NOT_INSTRUMENTED = [
  'FASTIFY',
  'KAFKAJS',
  'PINO',
  'FS',
  'NET',
  'HTTP2',
  'INSPECTOR',
  'DOMAIN',
  'CHILD_PROCESS',
  'CRYPTO',
  'DNS',
  'ZLIB',
]

/** Of those that the agent knows, what an operator may say beside docs/configuration.md: it changes nothing of what is sent. */
export const LEFT_TO_OPERATORS = /^NEW_RELIC_(?:LABELS|PROCESS_HOST_DISPLAY_NAME|METADATA_\w+)$/
export const OF_THE_AGENT = /^NEW_RELIC_/

/**
 * The agent's settings, by the names of its environment: there is no other way to tell it that its vendor documents.
 * https://docs.newrelic.com/docs/apm/agents/nodejs-agent/installation-configuration/nodejs-agent-configuration/
 */
export function agentSettings(options: NewRelicOptions): Record<string, string> {
  const { licenseKey, appName, host, port, certificates, proxyUrl, logLevel } = options
  return {
    NEW_RELIC_NO_CONFIG_FILE: 'true',
    NEW_RELIC_LICENSE_KEY: licenseKey,
    NEW_RELIC_APP_NAME: appName,
    NEW_RELIC_PORT: String(port),
    ...(host === null ? {} : { NEW_RELIC_HOST: host }),
    ...(certificates === null ? {} : { NEW_RELIC_CERTIFICATES: certificates }),
    ...(proxyUrl === null ? {} : { NEW_RELIC_PROXY_URL: proxyUrl }),
    // Its own log is a file by default.
    NEW_RELIC_LOG: 'stdout',
    NEW_RELIC_LOG_LEVEL: logLevel,
    // Workers of `all` are a thread of their own.
    NEW_RELIC_WORKER_THREADS_ENABLED: 'true',
    // What is sent is said here, and by nobody at the other end.
    NEW_RELIC_IGNORE_SERVER_SIDE_CONFIG: 'true',
    // Of attributes only those that are known to hold nobody's data: no paths, queries, headers, keys or host names of callers.
    NEW_RELIC_ATTRIBUTES_EXCLUDE: '*',
    NEW_RELIC_ATTRIBUTES_INCLUDE: [...TRACE_ATTRIBUTES, ...OWN_ATTRIBUTES].join(','),
    NEW_RELIC_IGNORING_RULES: NOT_TOLD,
    // Of what is called the host only: paths hold numbers of people.
    NEW_RELIC_URL_OBFUSCATION_ENABLED: 'true',
    NEW_RELIC_URL_OBFUSCATION_REGEX_PATTERN: '^.*$',
    NEW_RELIC_URL_OBFUSCATION_REGEX_FLAGS: 's',
    // An error's message may quote what was sent, or what stands in the database.
    NEW_RELIC_STRIP_EXCEPTION_MESSAGES_ENABLED: 'true',
    // Errors are told with what they mean; by its status alone none is one, nor is a neighbour that is away.
    NEW_RELIC_FEATURE_FLAG_UNDICI_ERROR_TRACKING: 'false',
    NEW_RELIC_ERROR_COLLECTOR_IGNORE_ERROR_CODES: '400-599',
    NEW_RELIC_RECORD_SQL: 'off',
    NEW_RELIC_APPLICATION_LOGGING_ENABLED: 'false',
    NEW_RELIC_APPLICATION_LOGGING_FORWARDING_ENABLED: 'false',
    NEW_RELIC_CODE_LEVEL_METRICS_ENABLED: 'false',
    NEW_RELIC_BROWSER_MONITOR_ENABLE: 'false',
    NEW_RELIC_CUSTOM_INSIGHTS_EVENTS_ENABLED: 'false',
    // It would ask the metadata services of four clouds.
    ...Object.fromEntries(
      ['AWS', 'AZURE', 'AZUREFUNCTION', 'GCP', 'PCF'].map((cloud) => [
        `NEW_RELIC_UTILIZATION_DETECT_${cloud}`,
        'false',
      ]),
    ),
    ...Object.fromEntries(NOT_INSTRUMENTED.map((what) => [`NEW_RELIC_INSTRUMENTATION_${what}_ENABLED`, 'false'])),
  }
}
