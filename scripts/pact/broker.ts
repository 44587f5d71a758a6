import { type SpawnSyncReturns, type StdioOptions, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Command } from 'commander'

export const ROOT = join(import.meta.dirname, '..', '..')
/** The broker's own command line. */
export const CLI = join(ROOT, 'node_modules', '@pact-foundation', 'pact-cli', 'bin', 'pact-broker.js')
/**
 * Environments, versions and branches are one word, of what git takes for a branch
 * (https://git-scm.com/docs/git-check-ref-format): so it is no option, and no part of a path that means another one. No shell
 * sees it, and both command line and verifier write it into URLs as they have to.
 */
const WORD = /^(?![-./]|@$)(?!.*(?:\.\.|\/\.|\/\/|@\{))[^\s\p{Cc}~^:?*[\\]{1,255}(?<![./])$/u
/**
 * How often a call is tried that the broker does not answer: half a second lies between the first and the second time, and
 * twice as much before each further one. By itself its command line takes 8, which is a minute of silence.
 */
const HTTP_TRIES = 3
const MAX_HTTP_TRIES = 8
/** A broker answers with 100 rows at most, of some kilobytes each. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

export const SERVICE = 'users-service'
export const OUR_PACTS = join(ROOT, 'contracts', 'pacts')

/** What whoever runs it can mend, in one sentence. */
export class Unset extends Error {}

type Broker = { url: string; token: string }

/** Where the broker is, and who we are to it. Throws Unset. */
export function broker(env: NodeJS.ProcessEnv = process.env): Broker {
  const given = needed(env, 'PACT_BROKER_BASE_URL', 'the URL of the Pact broker')
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Unset('PACT_BROKER_BASE_URL is no http or https URL.')
  // Every failure names the URL.
  if (url.username !== '' || url.password !== '')
    throw new Unset(
      'PACT_BROKER_BASE_URL holds a name or password, which would be shown: PACT_BROKER_TOKEN is for that.',
    )
  return { url: given.replace(/\/+$/, ''), token: needed(env, 'PACT_BROKER_TOKEN', 'a token of the Pact broker') }
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

/** What is set, or `otherwise`. Throws Unset. */
export function whole(name: string, otherwise: number, highest: number, env: NodeJS.ProcessEnv = process.env): number {
  const value = Number(env[name] || otherwise)
  if (!Number.isInteger(value) || value < 0 || value > highest)
    throw new Unset(`${name} is no whole number between 0 and ${highest}.`)
  return value
}

/** Runs the broker's own command line, to its end, and answers with what it ended with. */
export function brokerCli(broker: Broker, args: string[]): number {
  return run(broker, args, 'inherit').status ?? 1
}

/** The same, and what it says is not shown: it is answered, where it ended with 0, or else its last line, which says why. */
export function answerOf(broker: Broker, args: string[]): { answer: string } | { failure: string } {
  const { status, stdout, error } = run(broker, args, ['ignore', 'pipe', 'inherit'])
  if (status === 0) return { answer: stdout }
  const said = (stdout ?? '').trim().split('\n').at(-1)?.replace(/^❌ /, '')
  return { failure: error?.message ?? (said || `it ended with ${status}`) }
}

/** The token is not among the arguments, which everybody here can see. */
function run({ url, token }: Broker, args: string[], stdio: StdioOptions): SpawnSyncReturns<string> {
  const tries = whole('PACT_BROKER_HTTP_RETRIES', HTTP_TRIES, MAX_HTTP_TRIES)
  const settings = { PACT_BROKER_BASE_URL: url, PACT_BROKER_TOKEN: token, PACT_DO_NOT_TRACK: 'true' }
  const env = { ...process.env, ...settings, PACT_BROKER_HTTP_RETRIES: String(tries) }
  const options = { stdio, env, encoding: 'utf8', maxBuffer: MAX_ANSWER_BYTES } as const
  return spawnSync(process.execPath, [CLI, ...args], options)
}

/** Ends with what `work` answers, given the options of `command`; what can be mended is one line. */
export async function program<Options extends object>(
  command: Command,
  work: (options: Options) => number | Promise<number>,
): Promise<void> {
  const options = command.parse().opts<Options>()
  try {
    process.exitCode = await work(options)
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
