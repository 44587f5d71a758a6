import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { guardAgainstOurEnd } from '../../../scripts/guard-against-our-end.ts'
import { derbyFolder, driverPaths } from '../../../scripts/setup-drda.mjs'
import { findOnPath } from '../../../scripts/setup-tools.mjs'
import { freePort } from '../../../src/adapters/redis/free-port.ts'
import { derbyTriggers, firings } from './triggers.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const START_LIMIT_MS = 60_000
const POLL_MS = 20
const STOP_LIMIT_MS = 1_000
export const DRDA_USER = 'app'
const DRDA_EPOCH = 'd4da0001'
const TEMPLATE = 'TEMPLATE'
const IN_TEMPLATE = `jdbc:derby:${TEMPLATE}`
/** Else each copy would carry the log, and do all that is in it once more when it is opened. */
const SHUT_DOWN = `CONNECT '${IN_TEMPLATE};shutdown=true'`

/**
 * Why the tests over IBM's driver cannot run here, or null. Continuous integration never leaves them out: there, what is
 * missing is an error.
 */
export function drdaMissing(): string | null {
  const { binding, library } = driverPaths(ROOT)
  const missing = [
    ...(existsSync(binding) && existsSync(library) ? [] : ["IBM's driver"]),
    ...(existsSync(derbyFolder(ROOT)) ? [] : ['Apache Derby']),
    ...(java() ? [] : ['java']),
  ]
  if (missing.length === 0) return null
  const why = `${missing.join(' and ')} not here: node scripts/setup-drda.mjs says more`
  if (process.env.CI) throw new Error(why)
  return why
}

const java = () => findOnPath('java', process.env.PATH ?? '')

/** `databases` in it may be opened by name. */
export type DrdaServer = {
  port: number
  pid(): number
  /** A new database with the reference schema and nobody. `lockWaitSeconds`: how long its sessions wait for a lock. */
  makeDatabase(options?: { lockWaitSeconds?: number }): string
  /** Without any of the databases that were made. */
  renew(): Promise<void>
  /** Nothing of it runs any more when this returns. */
  freeze(): void
  thaw(): void
  kill(): Promise<void>
  /** On the same port, over the same databases. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Apache Derby's network server in a temporary folder, on a free port of the loopback address. `password`: absent, any will do. */
export async function startDrdaServer({ password }: { password?: string } = {}): Promise<DrdaServer> {
  const home = mkdtempSync(join(tmpdir(), 'users-service-drda-'))
  const port = await freePort()
  let child: ChildProcess | null = null
  let guard: ReturnType<typeof guardAgainstOurEnd> | null = null
  let made = 0
  const endGuard = async () => guard?.end()
  const start = async () => {
    if (child && child.exitCode === null && child.signalCode === null) return
    child = launch(home, port, password === undefined ? {} : askingFor(password))
    await endGuard()
    guard = guardAgainstOurEnd(child.pid ?? 0, home)
    await listening(child, port)
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.ref()
    child.kill('SIGKILL')
    await ended
  }
  try {
    await start()
  } catch (error) {
    await kill()
    await endGuard()
    rmSync(home, { recursive: true, force: true })
    throw error
  }
  return {
    port,
    pid: () => child?.pid ?? 0,
    makeDatabase({ lockWaitSeconds } = {}) {
      made += 1
      const name = `T${made}`
      cpSync(templateDatabase(lockWaitSeconds), join(home, name), { recursive: true })
      return name
    },
    async renew() {
      await kill()
      for (let n = 1; n <= made; n += 1) rmSync(join(home, `T${n}`), { recursive: true, force: true })
      await start()
    },
    freeze() {
      child?.kill('SIGSTOP')
      if (child?.pid !== undefined) awaitStop(child.pid)
    },
    thaw: () => void child?.kill('SIGCONT'),
    kill,
    start,
    async stop() {
      await kill()
      await endGuard()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** A signal is on its way until the kernel has stopped each thread (proc(5)): until then one may still answer somebody. */
function awaitStop(pid: number): void {
  const untilMs = Date.now() + STOP_LIMIT_MS
  const tasks = `/proc/${pid}/task`
  // The state is what comes after the thread's name in brackets.
  const hasStopped = (task: string): boolean => {
    try {
      return /\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'latin1'))
    } catch {
      // It has ended meanwhile.
      return true
    }
  }
  while (!readdirSync(tasks).every(hasStopped)) {
    if (Date.now() > untilMs) throw new Error(`process ${pid} did not stop within ${STOP_LIMIT_MS} ms`)
  }
}

/**
 * In a file, so that what a database says of itself comes first; a command line's would win over that
 * (https://db.apache.org/derby/docs/10.7/ref/crefproper24846.html). Statement texts stay as they were compiled: Derby 10.7
 * trips over its own when tables grow under its feet.
 */
const SETTINGS = {
  'derby.locks.waitTimeout': 5,
  'derby.locks.deadlockTimeout': 1,
  'derby.language.statementCache.size': 2_000,
  'derby.language.stalePlanCheckInterval': 2_000_000_000,
  'derby.storage.pageCacheSize': 4_000,
  // Nothing here has to outlive the machine.
  'derby.system.durability': 'test',
}

/** https://db.apache.org/derby/docs/10.7/devguide/cdevcsecure42374.html */
const askingFor = (password: string) => ({
  'derby.connection.requireAuthentication': true,
  'derby.authentication.provider': 'BUILTIN',
  [`derby.user.${DRDA_USER}`]: password,
})

function launch(home: string, port: number, more: Record<string, string | boolean>): ChildProcess {
  const settings = Object.entries({ ...SETTINGS, ...more }).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(home, 'derby.properties'), settings.join(''), { mode: 0o600 })
  const server = ['org.apache.derby.drda.NetworkServerControl', 'start', '-h', '127.0.0.1', '-p', String(port)]
  const child = spawn(
    java() ?? 'java',
    [
      '-Xmx2g',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Duser.timezone=UTC',
      `-Dderby.system.home=${home}`,
      '-cp',
      jars(),
      ...server,
      '-noSecurityManager',
    ],
    { cwd: home, stdio: 'ignore' },
  )
  child.unref()
  return child
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('the DRDA server does not start')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

const jars = () => join(derbyFolder(ROOT), '*')

/** Made once for each state of the schema, and copied: Derby takes seconds to make a database. */
function templateDatabase(lockWaitSeconds: number | undefined): string {
  const ddl = [
    ...readFileSync(new URL('./tables.sql', import.meta.url), 'utf8')
      .replaceAll(/^--.*$/gm, '')
      .split(';'),
    `INSERT INTO service_epoch (epoch) VALUES ('${DRDA_EPOCH}')`,
    ...['roles', 'role_permissions'].map(
      (source) => `INSERT INTO entity_versions VALUES ('role', '*', '${source}', 1, '2020-01-01 00:00:00.000')`,
    ),
    ...derbyTriggers(),
    ...firings(),
    ...(lockWaitSeconds === undefined
      ? []
      : [`CALL SYSCS_UTIL.SYSCS_SET_DATABASE_PROPERTY('derby.locks.waitTimeout', '${lockWaitSeconds}')`]),
  ].filter((statement) => statement.trim() !== '')
  const script = [`CONNECT '${IN_TEMPLATE};create=true;user=${DRDA_USER};password=${DRDA_USER}'`, ...ddl, SHUT_DOWN]
  const folder = join(ROOT, '.tools', 'derby-templates')
  const made = join(folder, createHash('sha256').update(script.join(';')).digest('hex').slice(0, 16))
  if (existsSync(made)) return join(made, TEMPLATE)
  mkdirSync(folder, { recursive: true })
  const making = mkdtempSync(join(folder, 'making-'))
  try {
    runByItself(making, script)
    renameSync(making, made)
  } catch (error) {
    rmSync(making, { recursive: true, force: true })
    // Another test file was as quick.
    if (!existsSync(made)) throw error
  }
  return join(made, TEMPLATE)
}

/** By Derby's own command line, without a server. */
function runByItself(folder: string, script: string[]): void {
  const { status, stdout } = spawnSync(
    java() ?? 'java',
    ['-Duser.timezone=UTC', `-Dderby.system.home=${folder}`, '-cp', jars(), 'org.apache.derby.tools.ij'],
    { cwd: folder, input: `${script.join(';\n')};\n`, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 },
  )
  // As an error it says, too, that a database has been shut down.
  const refused = /^ERROR (?!08006).*$/m.exec(stdout ?? '')
  if (status !== 0 || refused) throw new Error(`Derby refuses the schema: ${refused?.[0] ?? status}`)
}
