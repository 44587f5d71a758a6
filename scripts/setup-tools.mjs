// The few things that the parts of the setup share. Runs on Node 20.

import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Something that the person at the terminal can mend. The message says what. */
export class SetupError extends Error {}

/** Half an hour: a slow network, or Go’s first build on a busy machine, must not fail, and nothing may wait for ever. */
const COMMAND_LIMIT_MS = 1_800_000
const QUESTION_LIMIT_MS = 5_000
/** Enough of a failed command's last words to see why. */
const FAILURE_LINES = 5

/** The path of the first executable of that name, or undefined. */
export function findOnPath(name, path) {
  const candidates = (path ?? '').split(delimiter).map((folder) => join(folder, name))
  return candidates.find(isExecutable)
}

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** Runs a command that is found on `env.PATH`. Answers undefined when it succeeded, else the end of what it said. */
export function run(command, args, { cwd, env }) {
  const file = findOnPath(command, env.PATH)
  if (!file) return `${command} is not on the PATH`
  const options = { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_LIMIT_MS }
  const { status, signal, error, stdout, stderr } = spawnSync(file, args, options)
  if (status === 0) return undefined
  const said = (stderr || stdout || '').trim().split('\n').slice(-FAILURE_LINES).join('\n')
  return said || error?.message || `${command} ended with ${signal ?? status}`
}

/** What a quick command prints, or nothing when it cannot run or fails. */
export function outputOf(file, args, env = process.env) {
  const { status, stdout } = spawnSync(file, args, { env, encoding: 'utf8', timeout: QUESTION_LIMIT_MS })
  return status === 0 ? stdout : ''
}

/** Does something that takes a while, and says so in one line. `work` answers why it failed, or undefined. */
export function step(write, what, work) {
  const started = Date.now()
  write(`${what} ... `)
  const failure = work()
  write(failure === undefined ? `${((Date.now() - started) / 1000).toFixed(1)} s\n` : 'failed\n')
  return failure
}

/** What a Maven project file lists, into a folder; undefined when it is there, else why it is not. */
export function fetchJars({ root, env, write, title, pom, target }) {
  if (existsSync(target)) return undefined
  if (!findOnPath('mvn', env.PATH)) return `${title}: mvn is not on the PATH`
  return step(write, title, () => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'fetch-'))
    try {
      const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${join(folder, 'jars')}`]
      const failure = run('mvn', ['-q', '-B', '--color', 'never', '-f', join(root, pom), ...goal], { cwd: folder, env })
      if (failure) return `${title}: ${failure}`
      renameSync(join(folder, 'jars'), target)
      return undefined
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** When the file at `url` is what Node was started with: runs it, and says in a sentence what the person can mend. */
export function runAsProgram(url, work) {
  const file = fileURLToPath(url)
  if (!process.argv[1] || realpathSync(process.argv[1]) !== file) return
  try {
    const write = (text) => process.stdout.write(text)
    work({ root: dirname(dirname(file)), env: process.env, write, args: process.argv.slice(2) })
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
