import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { CLI, ROOT } from '../../../scripts/pact/broker.ts'
import type { Fault } from '../../support/plant.ts'
import type { BrokerDouble } from './double.ts'

export const VERSION = '0a1b2c3'
export const BRANCH = 'feature/contracts'
/** As patient as in earnest, and without the time: a call too many shows. */
export const PATIENT = { PACT_RETRIES_WHILE_UNKNOWN: '2', PACT_RETRY_INTERVAL_S: '0' }
export const SETTINGS = {
  ...{ PACT_VERSION: VERSION, PACT_BRANCH: BRANCH, PACT_ENVIRONMENT: 'production', ...PATIENT },
}
export type Env = Record<string, string | undefined>
export type Ended = { code: number | null; out: string; err: string }

/** Of this process's environment a script has its PATH only. */
async function run(args: string[], env: Env): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { PATH: process.env.PATH, ...env } })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, out, err }
}

export const settingsFor = ({ url, token }: Pick<BrokerDouble, 'url' | 'token'>): Env => ({
  ...{ PACT_BROKER_BASE_URL: url, PACT_BROKER_TOKEN: token },
  ...SETTINGS,
})

/** One of `scripts/pact`. */
export const script = (name: string, env: Env, ...args: string[]) => run([`scripts/pact/${name}.ts`, ...args], env)

/** Of a build of this service that has the fault. */
export const verifyWith = (fault: Fault, env: Env, ...args: string[]) =>
  run(['test/pact/broker/verify-with-fault.ts', JSON.stringify(fault), ...args], env)

/** The broker's own command line, as the pipelines of others call it. */
export const brokerCli = (broker: BrokerDouble, ...args: string[]) =>
  run([CLI, ...args], { ...settingsFor(broker), PACT_DO_NOT_TRACK: 'true' })

/** A consumer's pipeline: its contracts, and that it is in production. */
export async function released(broker: BrokerDouble, path: string, version: string, consumers: string[]) {
  const ended = [await published(broker, path, version, 'main')]
  for (const name of consumers) ended.push(await deployed(broker, name, version))
  return ended.every(({ code }) => code === 0)
}

export const published = (broker: BrokerDouble, path: string, version: string, branch: string) =>
  brokerCli(broker, 'publish', path, '--consumer-app-version', version, '--branch', branch)

export const deployed = (broker: BrokerDouble, name: string, version: string) => {
  const said = ['--pacticipant', name, '--version', version, '--environment', 'production']
  return brokerCli(broker, 'record-deployment', ...said)
}
