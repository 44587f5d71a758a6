import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const CLI = join(ROOT, 'node_modules', '@pact-foundation', 'pact-cli', 'bin', 'pact-broker.js')
/** As the organisation names environments, versions and branches: one word. */
const WORD = /^[\w./+-]{1,255}$/

export const US = 'users-service'
export const OUR_PACTS = join(ROOT, 'contracts', 'pacts')

/** What whoever runs it can mend, in one sentence. */
export class Unset extends Error {}

export type Broker = { url: string; token: string }

/** Where the broker is, and who we are to it. Throws Unset. */
export function broker(env: NodeJS.ProcessEnv = process.env): Broker {
  const url = needed(env, 'PACT_BROKER_BASE_URL', 'the URL of the Pact broker')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new Unset('PACT_BROKER_BASE_URL is no http or https URL.')
  return { url: url.replace(/\/+$/, ''), token: needed(env, 'PACT_BROKER_TOKEN', 'a token of the Pact broker') }
}

/** Of what is published or deployed: the commit, unless it is said. Throws Unset. */
export function version(env: NodeJS.ProcessEnv = process.env): string {
  return word('PACT_VERSION', env.PACT_VERSION || git('rev-parse', 'HEAD'), 'the commit')
}

/** Throws Unset, also where a commit is checked out and no branch, as pipelines do. */
export function branch(env: NodeJS.ProcessEnv = process.env): string {
  return word('PACT_BRANCH', env.PACT_BRANCH || git('symbolic-ref', '--short', '-q', 'HEAD'), 'the branch')
}

/** Throws Unset. */
export function environment(env: NodeJS.ProcessEnv = process.env): string {
  return word('PACT_ENVIRONMENT', env.PACT_ENVIRONMENT ?? '', 'the environment, as the broker knows it')
}

/** Runs the broker's own command line, to its end. The token is not among its arguments, which everybody here can see. */
export function brokerCli({ url, token }: Broker, args: string[]): number {
  const settings = { PACT_BROKER_BASE_URL: url, PACT_BROKER_TOKEN: token, PACT_DO_NOT_TRACK: 'true' }
  const env = { ...process.env, ...settings }
  return spawnSync(process.execPath, [CLI, ...args], { stdio: 'inherit', env }).status ?? 1
}

/** Ends with what `work` answers; what can be mended is one line. */
export async function program(work: () => number | Promise<number>): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    if (!(error instanceof Unset)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}

function needed(env: NodeJS.ProcessEnv, name: string, what: string): string {
  const value = env[name]
  if (!value) throw new Unset(`${name} is not set: ${what}.`)
  return value
}

function word(name: string, value: string, what: string): string {
  if (value === '') throw new Unset(`${name} is not set: ${what}.`)
  if (!WORD.test(value)) throw new Unset(`${name} is no single word: ${what}.`)
  return value
}

/** Empty where git does not know. */
function git(...args: string[]): string {
  const { status, stdout }: SpawnSyncReturns<string> = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : ''
}
