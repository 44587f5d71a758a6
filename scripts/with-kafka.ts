import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { guardAgainstOurEnd } from './guard-against-our-end.ts'
import { portOf, startKafkaBroker } from './kafka-broker.ts'

const USAGE = 'usage: node scripts/with-kafka.ts [--dir folder] [--port port] [--export-brokers] -- command …\n'
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
/** As shells say that there is no such command, and that a signal ended it. */
const NOT_FOUND = 127
const BY_SIGNAL = 128
const MISUSED = 2

/** Runs a command beside a broker of its own; resolves with the command's exit code when both have ended. */
async function withKafka(args: string[]): Promise<number> {
  const options = readOptions(args)
  if (options === null) {
    process.stderr.write(USAGE)
    return MISUSED
  }
  const { dir, port, command, exportBrokers } = options
  // A signal until here ends us in the usual way, and the broker with us.
  const broker = await startKafkaBroker({ dir, port })
  try {
    const { brokers } = broker
    if (exportBrokers) process.stderr.write(`Kafka is at ${brokers}\n`)
    const env = { TEST_KAFKA: brokers, ...(exportBrokers && { KAFKA_BROKERS: brokers }) }
    return await runToTheEnd(command, { ...process.env, ...env })
  } finally {
    await broker.stop()
  }
}

function readOptions(args: string[]) {
  const end = args.indexOf('--')
  const command = args.slice(end + 1)
  if (end === -1 || command.length === 0) return null
  const options = { dir: { type: 'string' }, port: { type: 'string' }, 'export-brokers': { type: 'boolean' } } as const
  const { values } = parseArgs({ args: args.slice(0, end), options })
  return { dir: values.dir, port: portOf(values.port), exportBrokers: values['export-brokers'] ?? false, command }
}

/** Runs the rest of its arguments when it is told to; not at all when we have ended before. */
const WHEN_TOLD = ['/bin/sh', '-c', 'read -r _ <&3 || exit 1; exec "$@" 3<&-', 'sh'] as const

/**
 * In a process group of its own: Ctrl-C in the terminal, or `timeout`, which signal whole groups, reach it through us
 * alone, and so once. A service takes the second one for impatience.
 */
async function runToTheEnd(command: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [shell, ...script] = WHEN_TOLD
  let child: ChildProcess | null = null
  // Before the command can run, for what it prints first may be somebody's cue to signal us. They stay: nothing is to cut
  // short the end of the broker, which has a bound of its own.
  for (const signal of PASSED_ON) process.on(signal, () => void child?.kill(signal))
  child = spawn(shell, [...script, ...command], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    detached: true,
  })
  const ended = endOf(child)
  const guard = guardAgainstOurEnd(child.pid === undefined ? null : -child.pid, null)
  tell(child)
  try {
    return await ended
  } finally {
    await guard.end()
  }
}

/** The guard stands: from here on it cannot outlive us. */
function tell(child: ChildProcess): void {
  const told = child.stdio[3]
  if (!(told instanceof Writable)) return
  // It may have been ended by a signal meanwhile.
  told.on('error', () => undefined)
  told.end('\n')
}

function endOf(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  child.on('exit', (code, signal) => resolve(code ?? BY_SIGNAL + (signal ? constants.signals[signal] : 0)))
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    resolve(NOT_FOUND)
  })
  return promise
}

try {
  process.exitCode = await withKafka(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
