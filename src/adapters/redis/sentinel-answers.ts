import { Redis } from 'ioredis'
import type { Address } from './cluster-url.ts'
import type { SentinelUrl } from './sentinel-url.ts'
import { reasonOf } from './server-facts.ts'

/** A Sentinel that is silent for so long is done without, this time. */
const ANSWER_LIMIT_MS = 500
const RECONNECT_MS = 500

/** `epoch`: of the failover that made it the master; a later one has a greater one. */
export type Master = Address & { epoch: number }
export type Answers = { masters: Master[]; faults: string[] }

/** A connection to each of the Sentinels, kept for as long as they are asked again and again. */
export function sentinelAnswers({ sentinels, name, sentinel: options }: SentinelUrl) {
  const connections = sentinels.map(({ host, port }) => {
    const redis = new Redis({
      ...{ ...options, host, port, protocol: 2 as const, connectTimeout: ANSWER_LIMIT_MS },
      ...{ commandTimeout: ANSWER_LIMIT_MS, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
      ...{ enableReadyCheck: false, disableClientInfo: true, disconnectTimeout: 0 },
      retryStrategy: () => RECONNECT_MS,
    })
    let fault: string | null = null
    redis.on('error', (error: unknown) => {
      fault = reasonOf(error)
    })
    redis.on('ready', () => {
      fault = null
    })
    return { redis, whyNot: (error: unknown) => `${host}:${port}: ${fault ?? reasonOf(error)}` }
  })
  const ask = async (redis: Redis): Promise<Master> => {
    const reply = (await redis.call('SENTINEL', 'MASTER', name)) as string[]
    const of = (field: string) => reply[reply.indexOf(field) + 1] ?? ''
    return { host: of('ip'), port: Number(of('port')), epoch: Number(of('config-epoch')) }
  }
  return {
    /** Of those who answer. All are waited for, each within its limit: one that lags may not be the one believed. */
    async all(): Promise<Answers> {
      const answers = await Promise.allSettled(connections.map(({ redis }) => ask(redis)))
      const masters = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      const faults = answers.flatMap((answer, i) =>
        answer.status === 'rejected' ? [connections[i]?.whyNot(answer.reason) ?? ''] : [],
      )
      return { masters, faults: faults.map((fault) => saidPlainly(fault, name)) }
    },
    close: () => {
      for (const { redis } of connections) redis.disconnect()
    },
  }
}

function saidPlainly(fault: string, name: string): string {
  return fault.replace(/ERR No such master with that name/, `this Sentinel watches no master called ${name}`)
}
