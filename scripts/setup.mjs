#!/usr/bin/env node
// What `make run` and `make test` need before they start: the npm packages, a Node that is new enough, a Redis server.
// Plain JavaScript that Node 20 runs, because the Node that runs the service is itself one of the packages.
// When there is nothing to do it says nothing and takes a moment only, so everything may call it every time.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { ensureRedis } from './setup-redis.mjs'
import { findOnPath, outputOf, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

const OLDEST_NODE_FOR_SETUP = 20
const OLDEST_NODE = 26

/** Everything, in order. Throws SetupError, whose message is for the person at the terminal. */
export function setup({ root, env, uid, version, write }) {
  const tools = { root, env: { ...env, PATH: systemPath(env.PATH, root) }, uid, write }
  checkTools({ path: tools.env.PATH, version })
  installPackages(tools)
  ensureRedis(tools)
}

/** The Node that runs this file, and npm. */
export function checkTools({ path, version }) {
  if (Number.parseInt(version, 10) < OLDEST_NODE_FOR_SETUP) {
    throw new SetupError(`Node ${OLDEST_NODE_FOR_SETUP} or later is needed to begin with, and this is ${version}.`)
  }
  if (!findOnPath('npm', path)) throw new SetupError('npm is needed, and it is not on the PATH.')
}

/** The service's own packages, and a Node that can run it. Answers whether it installed anything. */
export function installPackages({ root, env, write }) {
  return ensurePackages({ root, env, write, title: 'the npm packages', check: () => runtimeNode({ root, env }) })
}

/** `npm ci` in `root`, when package-lock.json is not the one that was installed last. `check` is done after it. */
export function ensurePackages({ root, env, write, title, check = () => undefined }) {
  const stamp = join(root, 'node_modules', '.setup-stamp')
  const wanted = fingerprint(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return false
  // No package needs its install script, and none should be able to run one. Development packages are named because
  // NODE_ENV=production would leave them out.
  const options = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  const failure = step(write, `Installing ${title}`, () =>
    run('npm', ['ci', ...options, '--loglevel=error'], { cwd: root, env }),
  )
  if (failure) throw new SetupError(`npm ci failed:\n${failure}`)
  check()
  // npm ci deletes node_modules first, so an installation that was interrupted has no stamp and begins again.
  writeFileSync(stamp, wanted)
  return true
}

/** The Node that will run the service: the one among the packages, else the system's. */
export function runtimeNode({ root, env }) {
  const installed = join(root, 'node_modules', '.bin', 'node')
  if (majorOf(installed) >= OLDEST_NODE) return installed
  // A Node that cannot run here (another C library, say) would still come first on the PATH of every npm script.
  rmSync(installed, { force: true })
  const system = findOnPath('node', env.PATH)
  if (system && majorOf(system) >= OLDEST_NODE) return system
  const platform = `${process.platform}-${process.arch}`
  throw new SetupError(`Node ${OLDEST_NODE} or later is needed: npm brings none that runs on this ${platform} system.`)
}

/** Changes with the lock file, and when the folder is opened on another kind of machine. */
export function fingerprint(root) {
  const lock = readFileSync(join(root, 'package-lock.json'))
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`
}

/** The PATH without this project's own packages: `npm ci` deletes the Node that it would run under. */
export function systemPath(path, root) {
  const own = join(root, 'node_modules', '.bin')
  const entries = (path ?? '').split(delimiter)
  return entries.filter((entry) => entry !== '' && resolve(entry) !== own).join(delimiter)
}

function majorOf(node) {
  return Number.parseInt(outputOf(node, ['--version']).replace(/^v/, ''), 10) || 0
}

runAsProgram(import.meta.url, ({ root, env, write }) =>
  setup({ root, env, uid: process.getuid?.(), version: process.versions.node, write }),
)
