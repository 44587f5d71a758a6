import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { DomainError } from '../../domain/errors.ts'
import type { Session, SqlRow, SqlValue } from '../../ports.ts'
import { SqlError, type SqlErrorKind, surfaced } from '../sql/errors.ts'
import { openConnection } from './connection.ts'

/** Scans that wait for the thread; one more is refused, because its answer would come too late to matter. */
const MAX_WAITING_SCANS = 64

type Request = { id: number; sql: string; params: SqlValue[] }
type Reply = { id: number; rows: SqlRow[] } | { id: number; error: string; kind: SqlErrorKind }
export type ScanThread = Pick<Session, 'query'> & { close(): Promise<void> }

/** Runs reads that may take long in a thread with a connection of its own: `node:sqlite` would stall everything else. */
export function openScanThread(path: string): ScanThread {
  const thread = new Worker(new URL(import.meta.url), { workerData: { scanPath: path } })
  const waiting = new Map<number, { resolve(rows: SqlRow[]): void; reject(error: unknown): void }>()
  let lastId = 0
  thread.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (waiting.size === 0) thread.unref()
    if ('rows' in reply) asked?.resolve(reply.rows)
    else asked?.reject(surfaced(new SqlError(reply.kind, reply.error, undefined)))
  })
  let ended: string | null = null
  const failAll = (why: string) => {
    ended ??= why
    for (const { reject } of waiting.values()) reject(new DomainError('database-unavailable', why))
    waiting.clear()
  }
  thread.on('error', () => failAll('The scanning thread has failed.'))
  thread.on('exit', () => failAll('The scanning thread has ended.'))
  // Only a scan keeps the process alive, not the thread. After the listeners: to listen is to be held again.
  thread.unref()
  return {
    query: async <Row extends SqlRow>(sql: string, params: SqlValue[] = []) => {
      // A thread that has ended would never answer.
      if (ended !== null) throw new DomainError('database-unavailable', ended)
      if (waiting.size >= MAX_WAITING_SCANS) throw new DomainError('busy', 'Too many searches are waiting.')
      lastId += 1
      const id = lastId
      return new Promise<Row[]>((resolve, reject) => {
        thread.ref()
        waiting.set(id, { resolve: (rows) => resolve(rows as Row[]), reject })
        thread.postMessage({ id, sql, params } satisfies Request)
      })
    },
    close: async () => void (await thread.terminate()),
  }
}

function serve(path: string): void {
  const connection = openConnection(path, { readOnly: false })
  connection.exec('PRAGMA query_only = ON')
  parentPort?.on('message', ({ id, sql, params }: Request) => {
    try {
      parentPort?.postMessage({ id, rows: connection.all(sql, params) } satisfies Reply)
    } catch (error) {
      const { message, kind } = error instanceof SqlError ? error : new SqlError('other', String(error), error)
      parentPort?.postMessage({ id, error: message, kind } satisfies Reply)
    }
  })
}

if (!isMainThread && typeof workerData?.scanPath === 'string') serve(workerData.scanPath)
