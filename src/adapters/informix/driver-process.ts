import { createRequire } from 'node:module'
import { type Failure, type Reply, type Request, STATES, type Table } from './protocol.ts'
import { type Column, tableFrom, UnreadableValueError } from './results.ts'

// The main file of a process that holds connections of IBM's driver (docs/decisions/0021). It may hang or crash: whoever
// started it watches the time, and ends it.

/** Of one read; more would not fit in memory for long. */
const MAX_ROWS = 50_000
const FETCH_ROWS = 1_000

type Callback<Value> = (error: unknown, value: Value) => void
type Result = {
  getColumnMetadataSync(): Column[]
  fetchN(count: number, options: { fetchMode: number }, done: Callback<unknown[][]>): void
  closeSync(): void
}
type Statement = { executeNonQuery(params: unknown[], done: Callback<number>): void; closeSync(): void }
type Connection = {
  query(sql: string, done: Callback<unknown>): void
  queryResult(sql: string, params: unknown[], done: Callback<Result>): void
  prepare(sql: string, done: Callback<Statement>): void
  beginTransactionSync(): void
  commitTransactionSync(): void
  rollbackTransactionSync(): void
  close(done: Callback<unknown>): void
}
type Driver = { open(connectionString: string, done: Callback<Connection>): void }

const ROWS_AS_ARRAYS = 3
const connections = new Map<number, Connection>()
const pending = new Set<number>()
let driver: Driver | null = null

function loaded(): Driver {
  try {
    driver ??= createRequire(import.meta.url)('ibm_db') as Driver
    return driver
  } catch (error) {
    throw { code: 0, state: STATES.noDriver, text: (error as Error).message } satisfies Failure
  }
}

process.on('message', (request: Request) => {
  pending.add(request.id)
  void answer(request).then((reply) => {
    if (pending.delete(request.id)) process.send?.(reply)
  })
})

// The driver throws some errors past every promise, when values cannot be fetched: they are told to all that wait, and
// since nobody knows what state the driver is in, the process ends.
process.on('uncaughtException', (error) => {
  const failure = { ...failureFrom(error), ...(pending.size > 1 ? { state: STATES.processEnded } : {}) }
  const last = [...pending].at(-1)
  if (last === undefined) process.exit(1)
  for (const id of pending) {
    process.send?.(
      { id, failure } satisfies Reply,
      undefined,
      undefined,
      id === last ? () => process.exit(1) : undefined,
    )
  }
  pending.clear()
})

// The parent is gone: the server rolls back what was open.
process.on('disconnect', () => process.exit(0))

async function answer(request: Request): Promise<Reply> {
  try {
    return { id: request.id, result: await perform(request) }
  } catch (error) {
    return { id: request.id, failure: failureFrom(error) }
  }
}

async function perform(request: Request): Promise<Table | number | null> {
  if (request.call === 'open') return open(request)
  const connection = connections.get(request.connection)
  if (!connection) throw new Error('no such connection')
  switch (request.call) {
    case 'query':
      return read(connection, request.sql, request.params)
    case 'execute':
      return write(connection, request.sql, request.params)
    case 'begin':
      connection.beginTransactionSync()
      return null
    // The asynchronous commit of ibm_db 4.0.1 reports success where it failed.
    case 'commit':
      connection.commitTransactionSync()
      return null
    case 'rollback':
      connection.rollbackTransactionSync()
      return null
    case 'close':
      connections.delete(request.connection)
      await closed(connection)
      return null
  }
}

async function open({ connection: id, connectionString, setUp }: Extract<Request, { call: 'open' }>): Promise<null> {
  const connection = await called<Connection>((done) => loaded().open(connectionString, done))
  try {
    for (const statement of setUp) await called((done) => connection.query(statement, done))
  } catch (error) {
    await closed(connection).catch(() => undefined)
    throw error
  }
  connections.set(id, connection)
  return null
}

async function read(connection: Connection, sql: string, params: unknown[]): Promise<Table> {
  const result = await called<Result>((done) => connection.queryResult(sql, params, done))
  try {
    const rows: unknown[][] = []
    for (;;) {
      const some = await called<unknown[][]>((done) => result.fetchN(FETCH_ROWS, { fetchMode: ROWS_AS_ARRAYS }, done))
      rows.push(...some)
      if (some.length < FETCH_ROWS) return tableFrom(result.getColumnMetadataSync(), rows)
      if (rows.length > MAX_ROWS) {
        throw { code: 0, state: STATES.tooManyRows, text: `more than ${MAX_ROWS} rows` } satisfies Failure
      }
    }
  } finally {
    result.closeSync()
  }
}

/** Prepared anew each time: to keep statements saved nothing that could be measured (docs/performance-informix.md). */
async function write(connection: Connection, sql: string, params: unknown[]): Promise<number> {
  const statement = await called<Statement>((done) => connection.prepare(sql, done))
  try {
    return await called<number>((done) => statement.executeNonQuery(params, done))
  } finally {
    statement.closeSync()
  }
}

const closed = (connection: Connection) => called((done) => connection.close(done))

/**
 * ibm_db 4.0.1 calls back without running what promises have queued: with nothing else to do, a process would sleep on a
 * promise that is settled. An immediate makes a turn of the event loop of it.
 */
function called<Value>(call: (done: Callback<Value>) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => setImmediate(() => (error ? reject(error) : resolve(value))))
  })
}

/** The driver's errors are plain objects; what its synchronous calls throw says its codes in the text alone. */
function failureFrom(error: unknown): Failure {
  if (error instanceof UnreadableValueError) {
    return { code: 0, state: STATES.unreadable, text: error.message }
  }
  const { code, sqlcode, state, sqlstate, text, message } = Object(error) as Record<string, unknown>
  const said = String(text ?? message ?? error)
  const number = Number(sqlcode ?? code) || Number(/\bSQL(\d+)N\b/.exec(said)?.[1] ?? 0) * -1
  return { code: number, state: String(state ?? sqlstate ?? /SQLSTATE=(\w{5})/.exec(said)?.[1] ?? ''), text: said }
}
