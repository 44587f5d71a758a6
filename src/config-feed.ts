import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError, integer } from './config-values.ts'

const TOPIC = z.string().regex(/^[\w.-]{1,200}$/, 'letters, digits, dots, dashes and underscores; at most 200')
/** What an event may carry of a person, where a site allows it (src/adapters/log-feed/cloud-events.ts). */
export const PERSONAL_FIELDS: string[] = [
  ...['username', 'employeeNumber', 'givenName', 'familyName', 'email', 'phone', 'jobTitle', 'preferences'],
]

/** Settings of the change feed, and of Apache Kafka where changes travel over it. */
export const FEED_VARIABLES = {
  FEED: z
    .enum(['direct', 'kafka', 'debezium'])
    .default('direct')
    .describe(
      'How changes reach the projecting workers: `direct`, out of the database; `kafka`, over a topic that `work relay` ' +
        'fills; `debezium`, over one that Debezium fills.',
    ),
  FEED_POLL_MS: integer(25, 5, 60_000, 'How often the worker looks for changes that nobody announced.'),
  FEED_LEASE_MS: integer(
    10_000,
    500,
    600_000,
    'How long a worker that has died keeps the changes that it had taken; then another takes them.',
  ),
  LONGEST_TRANSACTION_MS: integer(
    600_000,
    1_000,
    86_400_000,
    'No writer’s transaction lasts longer: how far before the mark a replay begins.',
  ),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$/, 'host:port,host:port')
    .optional()
    .describe(
      'The brokers to begin with; needed by `work relay`, and by the projecting workers unless FEED is `direct`.',
    ),
  KAFKA_TLS: z.enum(['off', 'on']).default('off').describe('Whether connections to the brokers are encrypted.'),
  KAFKA_CA_FILE: z
    .string()
    .optional()
    .describe('File with the certificates (PEM) that the brokers’ must come from. Absent: the usual authorities.'),
  KAFKA_SASL: z
    .enum(['off', 'plain', 'scram-sha-256', 'scram-sha-512'])
    .default('off')
    .describe('How to say who we are; `plain` only with KAFKA_TLS.'),
  KAFKA_USERNAME: z.string().optional().describe('User for KAFKA_SASL.'),
  KAFKA_PASSWORD: z.string().optional().describe('Password for KAFKA_SASL; rather in a file.'),
  KAFKA_PASSWORD_FILE: z.string().optional().describe('File that holds the password for KAFKA_SASL.'),
  KAFKA_CHANGES_TOPIC: TOPIC.default('users.changes').describe(
    'Topic of changes; what nobody understands goes to the one with `.parked` behind it.',
  ),
  KAFKA_EVENTS_TOPIC: TOPIC.default('users.events').describe('Topic of domain events.'),
  KAFKA_GROUP: TOPIC.default('users-service').describe('Consumer group of the projecting workers.'),
  KAFKA_CREATE_TOPICS: z
    .enum(['off', 'on'])
    .default('off')
    .describe('Whether a worker makes the topics that are missing; else `users-service topics apply` does.'),
  KAFKA_PARTITIONS: integer(
    6,
    1,
    1_000,
    'Partitions of a topic that is made; no more workers than that share the work.',
  ),
  KAFKA_REPLICATION: integer(3, 1, 9, 'Copies of a topic that is made; fewer where there are fewer brokers.'),
  KAFKA_SESSION_TIMEOUT_MS: integer(
    15_000,
    1_000,
    300_000,
    'A worker that is not heard of for so long has died; then others take its partitions.',
  ),
  KAFKA_REBALANCE_TIMEOUT_MS: integer(
    30_000,
    1_000,
    600_000,
    'How long the others wait for a worker to give up its partitions when they are shared out anew.',
  ),
  RELAY_LEASE_MS: integer(
    5_000,
    500,
    600_000,
    'A relay that has died keeps its place for so long; within a quarter more another takes over.',
  ),
  EVENTS: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      'Whether commands are published as events for other services, by `work relay`. All processes must agree.',
    ),
  EVENTS_PERSONAL_FIELDS: z
    .string()
    .refine(
      (text) => listed(text).every((field) => PERSONAL_FIELDS.includes(field)),
      `some of ${PERSONAL_FIELDS.join(', ')}`,
    )
    .default('')
    .describe('What events may carry of a person, with commas; nothing unless it stands here.'),
} as const
const FeedEnvironment = z.object(FEED_VARIABLES)
export type FeedEnvironment = z.infer<typeof FeedEnvironment>

export type FeedConfig = {
  kind: FeedEnvironment['FEED']
  pollMs: number
  leaseMs: number
  longestTransactionMs: number
  relayLeaseMs: number
}
export type KafkaConfig = {
  brokers: string[]
  /** `ca` null: the usual authorities. */
  tls: { ca: string | null } | null
  sasl: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | null
  topics: { changes: string; parked: string; events: string }
  group: string
  createTopics: boolean
  partitions: number
  replication: number
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
}
export type EventsConfig = { personalFields: string[] }

export function feedFrom(env: FeedEnvironment): FeedConfig {
  return {
    kind: env.FEED,
    pollMs: env.FEED_POLL_MS,
    leaseMs: env.FEED_LEASE_MS,
    longestTransactionMs: env.LONGEST_TRANSACTION_MS,
    relayLeaseMs: env.RELAY_LEASE_MS,
  }
}

/** Null: no broker is named. Throws ConfigError. */
export function kafkaFrom(env: FeedEnvironment): KafkaConfig | null {
  if (env.KAFKA_BROKERS === undefined) return null
  return {
    brokers: env.KAFKA_BROKERS.split(','),
    tls: env.KAFKA_TLS === 'on' ? { ca: textOf('KAFKA_CA_FILE', env.KAFKA_CA_FILE) } : null,
    sasl: saslFrom(env),
    topics: {
      changes: env.KAFKA_CHANGES_TOPIC,
      parked: `${env.KAFKA_CHANGES_TOPIC}.parked`,
      events: env.KAFKA_EVENTS_TOPIC,
    },
    group: env.KAFKA_GROUP,
    createTopics: env.KAFKA_CREATE_TOPICS === 'on',
    partitions: env.KAFKA_PARTITIONS,
    replication: env.KAFKA_REPLICATION,
    sessionTimeoutMs: env.KAFKA_SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: env.KAFKA_REBALANCE_TIMEOUT_MS,
  }
}

/** Null: commands are not published. */
export function eventsFrom(env: FeedEnvironment): EventsConfig | null {
  return env.EVENTS === 'on' ? { personalFields: listed(env.EVENTS_PERSONAL_FIELDS) } : null
}

function saslFrom(env: FeedEnvironment): KafkaConfig['sasl'] {
  if (env.KAFKA_SASL === 'off') return null
  if (env.KAFKA_SASL === 'plain' && env.KAFKA_TLS === 'off')
    throw new ConfigError('KAFKA_SASL: `plain` only with KAFKA_TLS=on, else anybody on the way reads the password')
  const password = textOf('KAFKA_PASSWORD_FILE', env.KAFKA_PASSWORD_FILE)?.replace(/\r?\n$/, '') ?? env.KAFKA_PASSWORD
  if (env.KAFKA_USERNAME === undefined || password === undefined)
    throw new ConfigError(`KAFKA_USERNAME, KAFKA_PASSWORD_FILE: both are needed with KAFKA_SASL=${env.KAFKA_SASL}`)
  return { mechanism: env.KAFKA_SASL, username: env.KAFKA_USERNAME, password }
}

function textOf(variable: string, file: string | undefined): string | null {
  if (file === undefined) return null
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ConfigError(`${variable}: a file that can be read`)
  }
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
