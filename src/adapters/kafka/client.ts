import type { ICustomPartitioner, Kafka, SASLOptions } from 'kafkajs'
import type { Log } from '../../ports.ts'
import { hideNegativeTimeouts } from './warnings.ts'

export type KafkaOptions = {
  brokers: string[]
  /** `ca` null: the usual authorities. */
  tls: { ca: string | null } | null
  sasl: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | null
}
/** `partitioner` spreads messages by their keys as Java's client does, so that whoever else writes to a topic agrees. */
export type Client = { kafka: Kafka; partitioner: ICustomPartitioner; topicResource: number; log: Log }

const CLIENT_ID = 'users-service'
const CONNECT_LIMIT_MS = 3_000
const REQUEST_LIMIT_MS = 10_000
/** How soon partitions that were added are heard of. */
export const METADATA_MAX_AGE_MS = 5_000
/**
 * A broker that was killed is back after some 6 s at best. Each call here is tried for about ten, and then its caller is
 * told, who has a back-off of its own and says that nothing goes through.
 */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 12 }

const load = () => import('kafkajs')
let loading: ReturnType<typeof load> | null = null
function loaded(): ReturnType<typeof load> {
  if (loading === null) hideNegativeTimeouts()
  loading ??= load()
  return loading
}

/**
 * Makes no connection yet. The library is loaded only here: processes that have no use for it need neither the time nor the
 * memory. What it has to say is for those who look for a fault: we say what it means.
 */
export async function kafkaClient({ brokers, tls, sasl }: KafkaOptions, log: Log): Promise<Client> {
  const { default: library } = await loaded()
  const kafka = new library.Kafka({
    clientId: CLIENT_ID,
    brokers,
    ...(tls ? { ssl: tls.ca === null ? true : { ca: [tls.ca] } } : {}),
    ...(sasl ? { sasl: sasl as SASLOptions } : {}),
    connectionTimeout: CONNECT_LIMIT_MS,
    authenticationTimeout: CONNECT_LIMIT_MS,
    requestTimeout: REQUEST_LIMIT_MS,
    retry: RETRY,
    logLevel: library.logLevel.WARN,
    logCreator: () => (entry) => log.debug({ kafka: entry.namespace, says: entry.log.message }, 'Kafka’s client'),
  })
  const { Partitioners, ConfigResourceTypes } = library
  return { kafka, partitioner: Partitioners.DefaultPartitioner, topicResource: ConfigResourceTypes.TOPIC, log }
}

/** What an error says, without what it may quote. */
export function faultOf(error: unknown): string {
  const { name, type, message } = Object(error) as { name?: string; type?: string; message?: string }
  return [name ?? 'error', type ?? message ?? ''].filter((part) => part !== '').join(' ')
}
