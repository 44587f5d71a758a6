import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, realpathSync, rmSync } from 'node:fs'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaFolder, warmFolder } from '../setup-kafka.mjs'
import { findOnPath } from '../setup-tools.mjs'
import { type Credentials, dataFolder, type Keystore, settingsFile } from './settings.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** A second or two each; a busy machine must not fail, and nothing may wait for ever. */
const TOOL_LIMIT_MS = 60_000
const LOG_TAIL_BYTES = 4_000
const LOG_SEARCHED_BYTES = 1_000_000
const MAX_FAULTS = 20
const CERTIFICATE_DAYS = 3_650

/** Told the process of a tool, so that it does not outlive us either. */
type Watch = (child: ChildProcess) => Promise<void>

/** What is missing for a broker, or null. */
export function brokerMissing(): string | null {
  const missing = [
    ...(existsSync(kafkaFolder(ROOT)) ? [] : ['Apache Kafka']),
    ...(findOnPath('java', process.env.PATH) ? [] : ['java']),
  ]
  return missing.length === 0 ? null : `${missing.join(' and ')} not here: node scripts/setup-kafka.mjs says more`
}

/**
 * A process group of its own: Ctrl-C in the terminal reaches those who use the broker, and they end before it does. What
 * it prints goes to a file. `archive`: leaves its classes there when it ends, instead of starting with those of before.
 */
export function launchBroker(dir: string, heapMegabytes: number, archive: string | null): ChildProcess {
  rmSync(logFile(dir), { force: true })
  const log = openSync(logFile(dir), 'a', 0o600)
  try {
    const java = program('java')
    const classes = archive === null ? archived(java) : [`-XX:ArchiveClassesAtExit=${archive}`]
    const options = [`-Xmx${heapMegabytes}m`, '-XX:+ExitOnOutOfMemoryError', ...classes, ...jvm(), ...LOGGING]
    return spawn(java, [...options, 'kafka.Kafka', settingsFile(dir)], {
      cwd: dir,
      detached: true,
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
}

/** Quicker to start: a broker of tests does not live long enough for the second compiler. */
const QUICK = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
const jvm = () => [...QUICK, '-cp', classPath()]

/** In one order, and without links: an archive of classes holds for the class path that it was made with, to the letter. */
function classPath(): string {
  const folder = realpathSync(kafkaFolder(ROOT))
  const jars = readdirSync(folder).filter((name) => name.endsWith('.jar'))
  return jars
    .sort()
    .map((name) => join(folder, name))
    .join(delimiter)
}

const CLASSES = 'classes.jsa'
const FORMATTED = 'data'

/** One that does not fit this Java or these jars is passed over: that it says so is of no use to whoever reads the output. */
const sharing = (archive: string) => ['-Xshare:auto', `-XX:SharedArchiveFile=${archive}`, '-Xlog:cds*=off']

/** Nothing where `warm-up.ts` has left nothing for this Java. */
function archived(java: string): string[] {
  const archive = join(warmFolder(ROOT, java), CLASSES)
  return existsSync(archive) ? sharing(archive) : []
}

const LOGGING = [
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
  '-Dorg.slf4j.simpleLogger.showThreadName=false',
  // It lists every setting at every start: two thousand lines, passwords hidden.
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn',
]

/**
 * Makes the folder's data, once: what is there already is kept, with the credentials that it was made with. `isFleeting`: it
 * may be a copy, whose cluster has the name of others.
 */
export async function formatOnce(
  dir: string,
  { credentials, isFleeting }: { credentials: Credentials | null; isFleeting: boolean },
  watch: Watch,
): Promise<void> {
  const data = dataFolder(dir)
  // Kafka writes this one last.
  if (existsSync(join(data, 'meta.properties'))) return
  await rm(data, { recursive: true, force: true })
  const java = program('java')
  const formatted = join(warmFolder(ROOT, java), FORMATTED)
  if (isFleeting && credentials === null && existsSync(formatted)) return cp(formatted, data, { recursive: true })
  const scram = credentials && `SCRAM-SHA-512=[name=${credentials.username},password=${credentials.password}]`
  const format = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', settingsFile(dir)]
  await runTool('java', [...archived(java), ...jvm(), ...format, ...(scram ? ['--add-scram', scram] : [])], {}, watch)
}

/** Takes over what a broker has left: rejects where this Java cannot start with the archive. */
export async function keepWarm(
  { classes, data, folder }: { classes: string; data: string; folder: string },
  watch: Watch,
) {
  await runTool('java', [...sharing(classes), ...jvm(), 'kafka.tools.StorageTool', 'version'], {}, watch)
  const whole = await mkdtemp(`${folder}-`)
  try {
    await cp(classes, join(whole, CLASSES))
    await cp(data, join(whole, FORMATTED), { recursive: true })
    // As a whole: a part of an archive makes Java crash.
    await rename(whole, folder)
  } finally {
    await rm(whole, { recursive: true, force: true })
  }
}

/** As Kafka writes a UUID, of which the command line takes one with a leading dash for an option. */
function newClusterId(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0)
  return bytes.toString('base64url')
}

/** A key for 127.0.0.1 and localhost, anew each time, and its certificate as PEM, which clients are to trust. */
export async function makeCertificate(dir: string, watch: Watch): Promise<Keystore & { caFile: string }> {
  const [file, caFile] = [join(dir, 'keystore.p12'), join(dir, 'ca.pem')]
  const password = randomBytes(16).toString('hex')
  await Promise.all([file, caFile].map((old) => rm(old, { force: true })))
  // In the environment, which other users cannot read as they can a command line.
  const store = ['-alias', 'broker', '-keystore', file, '-storetype', 'PKCS12', '-storepass:env', 'KEYSTORE_PASSWORD']
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', String(CERTIFICATE_DAYS)]
  const names = ['-dname', 'CN=localhost', '-ext', 'SAN=IP:127.0.0.1,DNS:localhost']
  const env = { KEYSTORE_PASSWORD: password }
  const quick = QUICK.map((option) => `-J${option}`)
  await runTool('keytool', [...quick, '-genkeypair', ...store, ...key, ...names], env, watch)
  await runTool('keytool', [...quick, '-exportcert', '-rfc', '-file', caFile, ...store], env, watch)
  return { file, password, caFile }
}

async function runTool(name: string, args: string[], env: Record<string, string>, watch: Watch): Promise<void> {
  const options = { env: { ...process.env, ...env }, timeout: TOOL_LIMIT_MS, killSignal: 'SIGKILL' } as const
  const ended = Promise.withResolvers<void>()
  const child = execFile(program(name), args, options, (error, stdout, stderr) => {
    if (!error) return ended.resolve()
    // Not error.message, which holds the command line with its password.
    const said = `${stderr}${stdout}`.trim().slice(-LOG_TAIL_BYTES)
    ended.reject(new Error(`${name} ended with ${error.signal ?? error.code}: ${said}`))
  })
  await Promise.all([ended.promise, watch(child)])
}

function program(name: string): string {
  const file = findOnPath(name, process.env.PATH)
  if (file === undefined) throw new Error(`${name} is not on the PATH`)
  return file
}

const logFile = (dir: string) => join(dir, 'broker.log')

/** The end of what the broker printed since its last start; nothing when it has not started. */
export function logTailOf(dir: string, bytes = LOG_TAIL_BYTES): string {
  if (!existsSync(logFile(dir))) return ''
  const log = openSync(logFile(dir), 'r')
  try {
    const { size } = fstatSync(log)
    const end = Buffer.alloc(Math.min(size, bytes))
    const count = readSync(log, end, 0, end.length, size - end.length)
    return end.toString('utf8', 0, count)
  } finally {
    closeSync(log)
  }
}

/** Why a start failed: a broker says much more after that than before it ends. */
export function faultsOf(dir: string): string {
  const lines = logTailOf(dir, LOG_SEARCHED_BYTES).split('\n')
  return lines
    .filter((line) => FAULT.test(line))
    .slice(0, MAX_FAULTS)
    .join('\n')
}

const FAULT = / (?:ERROR|FATAL) |^(?:Caused by: |Error|Exception|\S+(?:Exception|Error)\b)/
