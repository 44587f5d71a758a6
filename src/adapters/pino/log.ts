import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type LogOptions = { level: string; format: 'auto' | 'json' | 'pretty' }

/** JSON lines on standard output, or, on a terminal, something for people. */
export function createLog({ level, format }: LogOptions): Logger {
  const forPeople = format === 'pretty' || (format === 'auto' && process.stdout.isTTY)
  const destination: DestinationStream = forPeople
    ? pretty({
        colorize: process.stdout.isTTY,
        ignore: 'pid,hostname,service',
        translateTime: 'HH:MM:ss.l',
        sync: true,
      })
    : pino.destination({ fd: 1, sync: false })
  return pino({ level, base: { service: 'users-service', pid: process.pid } }, destination)
}
