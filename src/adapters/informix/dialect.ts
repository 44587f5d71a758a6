import type { Dialect } from '../../ports.ts'

/** The statements' dialect, with what a session is told once it is open. */
export type Server = {
  dialect: Dialect
  /** Costs the server next to nothing. */
  checkSql: string
  setUp(role: 'read' | 'write', lockWaitSeconds: number): string[]
}

const CHECK = 'SELECT epoch FROM service_epoch'

/** IBM Informix 12.10 and later. The two functions are this service's own (db/informix/owned.sql). */
export const informix: Server = {
  dialect: {
    name: 'informix',
    limit: (rows) => `LIMIT ${rows}`,
    utcNow: 'usr_utc_now()',
    lower: (expression) => `usr_lower(${expression})`,
  },
  checkSql: CHECK,
  // Readers see the last committed row of whoever holds a lock, and wait for nobody. A command has locked what it
  // decides on, and must not decide on what another is just replacing.
  setUp: (role, lockWaitSeconds) => [
    `SET LOCK MODE TO WAIT ${lockWaitSeconds}`,
    `SET ISOLATION TO COMMITTED READ${role === 'read' ? ' LAST COMMITTED' : ''}`,
  ],
}

/** Apache Derby's DRDA server, for tests of the driver: its locks wait as the server itself is told. */
export const derby: Server = {
  dialect: {
    name: 'derby',
    limit: (rows) => `FETCH FIRST ${rows} ROWS ONLY`,
    // A fixed length: Derby leaves out the zeros at the end.
    utcNow: `SUBSTR(CAST(CURRENT_TIMESTAMP AS VARCHAR(29)) || '000', 1, 23)`,
    lower: (expression) => `LOWER(${expression})`,
  },
  checkSql: CHECK,
  setUp: () => [],
}

export const SERVERS = { informix, derby }
export type ServerName = keyof typeof SERVERS
