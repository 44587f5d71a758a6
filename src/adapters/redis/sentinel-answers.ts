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
      // A command whose time is up stays queued: whoever answers nothing is left, and what is queued with it.
      socketTimeout: ANSWER_LIMIT_MS,
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
    return {
      redis,
      // The first connection is waited for; one that was lost is not: the others may know.
      isLost: () => fault !== null && redis.status !== 'ready',
      whyNot: (error: unknown) => `${host}:${port}: ${fault ?? reasonOf(error)}`,
    }
  })
  /**
   * In the last part of a failover the Sentinel that leads it still tells of the old master, under the new epoch, until all
   * replicas follow the new one; who it is, it answers right already (`sentinelGetCurrentMasterAddress` in Redis' sentinel.c).
   */
  const ask = async (redis: Redis): Promise<Master> => {
    const [about, address] = (await Promise.all([
      redis.call('SENTINEL', 'MASTER', name),
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
    ])) as [string[], [string, string] | null]
    if (address === null) throw new Error('ERR No such master with that name')
    const [host, port] = address
    return { host, port: Number(port), epoch: Number(about[about.indexOf('config-epoch') + 1]) }
  }
  return {
    /** Of those who answer. All are waited for, each within its limit: one that lags may not be the one believed. */
    async all(): Promise<Answers> {
      const answers = await Promise.allSettled(
        connections.map(({ redis, isLost }) => (isLost() ? Promise.reject(new Error('not connected')) : ask(redis))),
      )
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
