import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../src/adapters/redis/free-port.ts'
import { answers } from './kafka/answers.ts'
import { brokerMissing, faultsOf, formatOnce, launchBroker, logTailOf, makeCertificate } from './kafka/java.ts'
import { type KeptProcess, keepProcess } from './kafka/kept-process.ts'
import { type Credentials, checkCredentials, writeSettings } from './kafka/settings.ts'

/** Three seconds, and six after a SIGKILL, on an idle machine. */
const START_LIMIT_MS = 90_000
/** On SIGTERM a broker writes down what it has: under a second. */
const STOP_LIMIT_MS = 15_000
const POLL_MS = 50
/** Between finding a free port and using it, somebody else may have taken it. */
const PORT_ATTEMPTS = 3
const HEAP_MEGABYTES = 256

export type KafkaBrokerOptions = {
  /** Where it keeps its data, made when missing. When absent, a temporary one, which goes with the broker. */
  dir?: string | undefined
  /** A free one when absent. */
  port?: number | undefined
  heapMegabytes?: number
  /** In place of the open listener one with TLS and SCRAM-SHA-512. They hold from the folder's first start on. */
  secured?: Credentials
  /** Settings of server.properties beyond our own, or in place of them. */
  settings?: Record<string, string>
  /** Where it is to leave its classes when it ends by itself, for brokers that start with them. */
  archive?: string
}

export type KafkaBroker = {
  port: number
  /** For a client. */
  brokers: string
  /** 0 while none runs. */
  pid(): number
  /** The certificate that clients must trust, as PEM; null for a broker without TLS. */
  caFile: string | null
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  /** Again, on the same port and over the same data. Nothing when it runs. */
  start(): Promise<void>
  /** Writes its data down, ends, and takes its temporary folder with it. */
  stop(): Promise<void>
  /** Resolves when the process that runs now has ended, by whomever; keeps ours alive meanwhile. */
  ended(): Promise<void>
  /** The end of what it printed since its last start. */
  logTail(): string
}

/**
 * A Kafka broker on 127.0.0.1 that ends with this process, in whatever way this one ends. Resolves when it answers; else
 * rejects with the end of its log, and leaves no process and no temporary folder behind. Keeping this process alive is
 * left to others.
 */
export async function startKafkaBroker(options: KafkaBrokerOptions = {}): Promise<KafkaBroker> {
  const missing = brokerMissing()
  if (missing !== null) throw new Error(missing)
  if (options.secured) checkCredentials(options.secured)
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort())
    try {
      return await brokerAt(port, options)
    } catch (error) {
      const again = options.port === undefined && attempt < PORT_ATTEMPTS && isPortTaken(error)
      if (!again) throw error
    }
  }
}

/** As Node and Java say it. */
const isPortTaken = (error: unknown) => error instanceof Error && /address already in use/i.test(error.message)

async function brokerAt(port: number, options: KafkaBrokerOptions): Promise<KafkaBroker> {
  const { heapMegabytes = HEAP_MEGABYTES, secured = null, settings = {}, archive = null } = options
  const temporary = options.dir === undefined ? mkdtempSync(join(tmpdir(), 'users-service-kafka-')) : null
  const dir = temporary ?? resolve(options.dir ?? '')
  const broker = keepProcess(temporary)
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const keystore = secured && (await makeCertificate(dir, broker.take))
    const ca = keystore && readFileSync(keystore.caFile, 'utf8')
    const start = async () => {
      if (broker.isRunning()) return
      await mustBeFree(port)
      const security = secured && keystore && { ...secured, keystore }
      writeSettings({ dir, port, controllerPort: await freePort(), secured: security, settings })
      // Settings that are not ours are looked at by whatever formats.
      const isFleeting = temporary !== null && Object.keys(settings).length === 0
      await formatOnce(dir, { credentials: secured, isFleeting }, broker.take)
      await broker.take(launchBroker(dir, heapMegabytes, archive))
      try {
        await untilItAnswers(broker, port, ca)
      } catch (error) {
        await broker.kill()
        const why = error instanceof Error ? error.message : error
        throw new Error(`${why}\n${logTailOf(dir)}\n${faultsOf(dir)}`)
      }
    }
    await start()
    return {
      port,
      brokers: `127.0.0.1:${port}`,
      pid: broker.pid,
      caFile: keystore?.caFile ?? null,
      kill: broker.kill,
      freeze: () => broker.signal('SIGSTOP'),
      thaw: () => broker.signal('SIGCONT'),
      start,
      async stop() {
        broker.signal('SIGTERM')
        // One that is frozen hears it only now.
        broker.signal('SIGCONT')
        await Promise.race([broker.ended(), delay(STOP_LIMIT_MS, undefined, { ref: false })])
        await broker.leave()
      },
      ended: broker.ended,
      logTail: () => logTailOf(dir),
    }
  } catch (error) {
    await broker.leave()
    throw error
  }
}

/** Else a stranger's broker would answer in ours' place. */
async function mustBeFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function untilItAnswers(broker: KeptProcess, port: number, ca: string | null): Promise<void> {
  for (const deadline = Date.now() + START_LIMIT_MS; Date.now() < deadline; await delay(POLL_MS)) {
    if (!broker.isRunning()) throw new Error('The Kafka broker ended at its start')
    if (await answers(port, ca)) return
  }
  throw new Error(`The Kafka broker does not answer within ${START_LIMIT_MS} ms`)
}

/** `--dir var/kafka --port 9092`: keeps one there until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, port: { type: 'string' } } })
  const broker = await startKafkaBroker({ dir: values.dir, port: portOf(values.port) })
  let isAsked = false
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isAsked) return
      isAsked = true
      void broker.stop()
    })
  }
  process.stdout.write(`Kafka broker: ${broker.brokers}\n`)
  await broker.ended()
  if (isAsked) return
  process.stderr.write(`The Kafka broker has ended by itself\n${broker.logTail()}\n`)
  process.exitCode = 1
  await broker.stop()
}

/** `--port`. */
export function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new Error(`--port: not a port: ${text}`)
}

if (import.meta.main) {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
