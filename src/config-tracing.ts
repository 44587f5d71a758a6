import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError, integer } from './config-values.ts'

const HTTP_FORM = 'http://… or https://…, without user, password and query'
const url = () => z.url({ protocol: /^https?$/, error: HTTP_FORM }).refine((text) => !/[?#@]/.test(text), HTTP_FORM)
/** `key=value,key=value`, values percent-encoded: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
const HEADERS = /^[\w.-]+=[^,;\s"\\]*(,[\w.-]+=[^,;\s"\\]*)*$/

/** Settings of the agent that reports single requests and pieces of work. */
export const TRACING_VARIABLES = {
  NEW_RELIC_LICENSE_KEY: z
    .string()
    .regex(/^\S{1,100}$/, 'a licence key')
    .optional()
    .describe(
      'Licence key of New Relic; with one, its agent reports what this process does. Absent: it is not loaded.',
    ),
  NEW_RELIC_LICENSE_KEY_FILE: z.string().optional().describe('File that holds the licence key instead.'),
  NEW_RELIC_APP_NAME: z.string().min(1).default('users-service').describe('Name of the application at New Relic.'),
  NEW_RELIC_HOST: z
    .string()
    .regex(/^[\w.-]+$/, 'a host')
    .optional()
    .describe('Host of New Relic’s collector. Absent: the one that the licence key says.'),
  NEW_RELIC_PORT: integer(443, 1, 65_535, 'Port of New Relic’s collector.'),
  NEW_RELIC_CA_FILE: z
    .string()
    .optional()
    .describe(
      'File with the authority by which the collector’s certificate is checked; not behind NEW_RELIC_PROXY_URL, where NODE_EXTRA_CA_CERTS does it. Absent: the usual ones.',
    ),
  NEW_RELIC_LOG_LEVEL: z
    // At `trace` it would print its own key.
    .enum(['fatal', 'error', 'warn', 'info', 'debug'])
    .default('warn')
    .describe('Least severe level that New Relic’s agent logs, to the standard output.'),
  NEW_RELIC_PROXY_URL: url().optional().describe('Proxy by which New Relic is reached.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url()
    .optional()
    .describe('Where OpenTelemetry spans are sent as OTLP over HTTP, at `/v1/traces`; never beside New Relic.'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url().optional().describe('The same, with its whole path.'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(HEADERS, 'name=value,name=value')
    .optional()
    .describe('Headers for that, `name=value` with commas between: a secret, mostly.'),
  OTEL_EXPORTER_OTLP_HEADERS_FILE: z.string().optional().describe('File that holds them instead.'),
  OTEL_SERVICE_NAME: z.string().min(1).default('users-service').describe('Name of the service in spans.'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/, 'a share, 0 to 1')
    .default('1')
    .describe('Share of the traces begun here that are reported with OpenTelemetry; others have decided for theirs.'),
  TRACING_HOT_ONE_IN: integer(
    100,
    1,
    1_000_000,
    'Of reads of one user that are answered at once, one in so many is reported: an agent costs more than they do.',
  ),
} as const
const Variables = z.object(TRACING_VARIABLES)

export type NewRelicConfig = {
  agent: 'newrelic'
  licenseKey: string
  appName: string
  /** Null: as the licence key says. */
  host: string | null
  port: number
  /** PEM; null: the usual authorities. */
  certificates: string | null
  proxyUrl: string | null
  logLevel: z.infer<typeof Variables>['NEW_RELIC_LOG_LEVEL']
}
export type OpenTelemetryConfig = {
  agent: 'opentelemetry'
  /** Of traces. */
  url: string
  headers: Record<string, string>
  serviceName: string
  /** Of the traces that begin here. */
  share: number
}
/** Null: nothing is reported, and no agent is loaded. */
export type TracingConfig = ((NewRelicConfig | OpenTelemetryConfig) & { hotOneIn: number }) | null

/** Throws ConfigError. */
export function tracingFrom(env: z.infer<typeof Variables>): TracingConfig {
  const [newRelic, openTelemetry] = [newRelicFrom(env), openTelemetryFrom(env)]
  if (newRelic !== null && openTelemetry !== null)
    throw new ConfigError(
      'Wrong settings. NEW_RELIC_LICENSE_KEY and OTEL_EXPORTER_OTLP_ENDPOINT: one of them, as two agents would report everything twice',
    )
  const agent = newRelic ?? openTelemetry
  return agent && { ...agent, hotOneIn: env.TRACING_HOT_ONE_IN }
}

function newRelicFrom(env: z.infer<typeof Variables>): NewRelicConfig | null {
  const licenseKey = givenOr(env.NEW_RELIC_LICENSE_KEY, 'NEW_RELIC_LICENSE_KEY_FILE', env.NEW_RELIC_LICENSE_KEY_FILE)
  if (licenseKey === null) return null
  return {
    agent: 'newrelic',
    licenseKey,
    appName: env.NEW_RELIC_APP_NAME,
    host: env.NEW_RELIC_HOST ?? null,
    port: env.NEW_RELIC_PORT,
    certificates: env.NEW_RELIC_CA_FILE === undefined ? null : textIn('NEW_RELIC_CA_FILE', env.NEW_RELIC_CA_FILE),
    proxyUrl: env.NEW_RELIC_PROXY_URL ?? null,
    logLevel: env.NEW_RELIC_LOG_LEVEL,
  }
}

const TRACES_PATH = 'v1/traces'

function openTelemetryFrom(env: z.infer<typeof Variables>): OpenTelemetryConfig | null {
  const whole = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? tracesUnder(env.OTEL_EXPORTER_OTLP_ENDPOINT)
  if (whole === undefined) return null
  const file = env.OTEL_EXPORTER_OTLP_HEADERS_FILE
  const headers = givenOr(env.OTEL_EXPORTER_OTLP_HEADERS, 'OTEL_EXPORTER_OTLP_HEADERS_FILE', file) ?? ''
  if (headers !== '' && !HEADERS.test(headers))
    throw new ConfigError('OTEL_EXPORTER_OTLP_HEADERS_FILE: name=value,name=value')
  return {
    agent: 'opentelemetry',
    url: whole,
    headers: Object.fromEntries(headers === '' ? [] : headers.split(',').map(header)),
    serviceName: env.OTEL_SERVICE_NAME,
    share: Number(env.OTEL_TRACES_SAMPLER_ARG),
  }
}

const tracesUnder = (base: string | undefined) => base && `${base}${base.endsWith('/') ? '' : '/'}${TRACES_PATH}`

function header(pair: string): [string, string] {
  const at = pair.indexOf('=')
  const value = pair.slice(at + 1)
  try {
    return [pair.slice(0, at), decodeURIComponent(value)]
  } catch {
    return [pair.slice(0, at), value]
  }
}

function givenOr(value: string | undefined, name: string, file: string | undefined): string | null {
  if (file === undefined) return value ?? null
  const text = textIn(name, file).trim()
  if (text === '') throw new ConfigError(`${name}: a file that is not empty`)
  return text
}

function textIn(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ConfigError(`${name}: a file that can be read`)
  }
}

/**
 * For an agent that reads its settings from the environment and nowhere else: `variables` are there while `load` runs, and what
 * is `hidden` is not. Afterwards it is as before: programs that this one starts are told nothing of it.
 */
export function environmentFor(environment: NodeJS.ProcessEnv) {
  return <Loaded>(variables: Record<string, string>, hidden: (name: string) => boolean, load: () => Loaded): Loaded => {
    const before = { ...environment }
    for (const name of Object.keys(before)) if (hidden(name)) delete environment[name]
    Object.assign(environment, variables)
    try {
      return load()
    } finally {
      for (const name of Object.keys(variables)) delete environment[name]
      Object.assign(environment, before)
    }
  }
}
