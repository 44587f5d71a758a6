import type { SqlValue } from '../../ports.ts'

/**
 * What a driver's process is asked. `connection` is a number that the asker gives to it when it opens it. `params` are in
 * the form that the driver binds exactly (params.ts).
 */
export type Request = { id: number; connection: number } & (
  | { call: 'open'; connectionString: string; setUp: string[] }
  | { call: 'query' | 'execute'; sql: string; params: SqlValue[] }
  | { call: 'begin' | 'commit' | 'rollback' | 'close' }
)
export type Call = Request extends infer Each ? (Each extends unknown ? Omit<Each, 'id' | 'connection'> : never) : never

/** Rows go as arrays beside their columns' names: each name once. */
export type Table = { columns: string[]; rows: SqlValue[][] }
export type Reply = { id: number } & ({ result: Table | number | null } | { failure: Failure })

/**
 * What the driver said of a call, or what happened to its process. `code`: the database's own number, 0 when there is
 * none. `state`: SQLSTATE. `text` may hold people's data: it is for a person at a terminal, never for a log.
 */
export type Failure = { code: number; state: string; text: string }

/** States of our own, of class 'US', which no database uses: what the driver itself cannot say. */
export const STATES = {
  noDriver: 'USNOD',
  processEnded: 'USEND',
  noAnswerInTime: 'USLAT',
  notSent: 'USNST',
  tooManyRows: 'USROW',
  unreadable: 'USVAL',
} as const
