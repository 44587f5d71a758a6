import { isatty } from 'node:tty'
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

const STDOUT = 1

export type LogOptions = { level: string; format: 'auto' | 'json' | 'pretty' }

/** JSON lines on standard output, or, on a terminal, something for people. */
export function createLog({ level, format }: LogOptions): Logger {
  // Not process.stdout.isTTY, which a worker thread does not have.
  const onTerminal = isatty(STDOUT)
  const forPeople = format === 'pretty' || (format === 'auto' && onTerminal)
  const destination: DestinationStream = forPeople
    ? pretty({
        colorize: onTerminal,
        ignore: 'pid,hostname,service',
        translateTime: 'HH:MM:ss.l',
        sync: true,
      })
    : pino.destination({ fd: STDOUT, sync: false })
  return pino({ level, base: { service: 'users-service', pid: process.pid } }, destination)
}
