import { settings } from '../../src/settings.ts'

/** What the chart has values of its own for, or sets by itself: they are not among `settings`, nor in `extraEnv`. */
export const SET_BY_CHART = [
  ...['HOST', 'PORT', 'METRICS_PORT', 'DATABASE_URL', 'DATABASE_PASSWORD_FILE', 'DATABASE_MAPPING'],
  ...[
    'REDIS_URL',
    'REDIS_PARTITIONS',
    'JOBS_REDIS_URL',
    'AUTH_ISSUER',
    'AUTH_AUDIENCE',
    'AUTH_JWKS_URL',
    'FEED',
    'EVENTS',
  ],
  ...['EVENTS_PERSONAL_FIELDS', 'KAFKA_BROKERS', 'KAFKA_TLS', 'KAFKA_CA_FILE', 'KAFKA_SASL', 'KAFKA_USERNAME'],
  ...['KAFKA_PASSWORD', 'KAFKA_PASSWORD_FILE', 'BRANCHES_URL', 'PEOPLE_URL', 'LEGACY_URL', 'LEGACY_TOKENS'],
  ...['NEW_RELIC_LICENSE_KEY', 'NEW_RELIC_LICENSE_KEY_FILE', 'NEW_RELIC_APP_NAME', 'NEW_RELIC_HOST'],
  ...['NEW_RELIC_PORT', 'OTEL_SERVICE_NAME'],
  ...['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  ...['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS_FILE'],
  ...['STRANGLER_MODES', 'TRUSTED_PROXIES', 'SHUTDOWN_DRAIN_MS', 'SHUTDOWN_GRACE_MS'],
]
/** What is read by Node or by Kubernetes, and set by the chart too. */
export const OTHERS_SET_BY_CHART = ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'REDIS_PASSWORD']
/** Of no use in a pod: the bundled parts of `users-service all`, and metrics where nobody could read them. */
const NOT_IN_PODS = ['DATA_DIR', 'PATH', 'METRICS_HOST']

/** The part of values.schema.json that says what may stand in `settings`: the same bounds as in src/config.ts. */
export function settingsSchema(): object {
  const others = [...SET_BY_CHART, ...OTHERS_SET_BY_CHART, ...NOT_IN_PODS]
  const known = settings().filter(({ name }) => !others.includes(name))
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(known.map(({ name, allowed }) => [name, allowedSchema(allowed)])),
  }
}

/** From the words in which the service itself refuses. What they do not bound in numbers is left to it, at the start. */
function allowedSchema(allowed: string): object {
  const [, minimum, maximum] = /^a whole number, (\d+) to (\d+)$/.exec(allowed) ?? []
  if (minimum !== undefined && maximum !== undefined)
    return { type: 'integer', minimum: Number(minimum), maximum: Number(maximum) }
  // What may hold a password otherwise would stand in a ConfigMap.
  if (allowed.endsWith('without user, password and query')) return { type: 'string', pattern: '^https?://[^?#@\\s]+$' }
  return /^\w+(, \w+)+$/.test(allowed) ? { enum: allowed.split(', ') } : { type: 'string' }
}
