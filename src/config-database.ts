import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError, integer } from './config-values.ts'

const URL_FORM = 'ibmdb://user@host:port/database, with ?tls=on or ?certificate=path'

/** Settings of the database, where it is not the embedded one. */
export const DATABASE_VARIABLES = {
  DATABASE_URL: z
    .string()
    .refine((text) => parsedUrl(text) !== null, URL_FORM)
    .optional()
    .describe('The Informix database, by its DRDA port. Absent: an embedded database under DATA_DIR.'),
  DATABASE_PASSWORD_FILE: z.string().optional().describe('File that holds the password of the user in DATABASE_URL.'),
  DATABASE_MAPPING: z
    .string()
    .optional()
    .describe('File with the site’s own names of tables and columns; db/mapping/README.md shows one.'),
  DATABASE_READ_CONNECTIONS: integer(8, 1, 256, 'Connections for reads, a process.'),
  DATABASE_WRITE_CONNECTIONS: integer(4, 1, 256, 'Connections for writes, a process.'),
  DATABASE_SCAN_CONNECTIONS: integer(2, 1, 64, 'Connections for searches and long reads, a process.'),
  DATABASE_READ_PROCESSES: integer(2, 1, 16, 'Processes that the connections for reads are spread over.'),
  DATABASE_READ_TIMEOUT_MS: integer(2_000, 50, 60_000, 'Longest time that a read may take.'),
  DATABASE_WRITE_TIMEOUT_MS: integer(8_000, 100, 60_000, 'Longest time that a transaction may take.'),
  DATABASE_SCAN_TIMEOUT_MS: integer(60_000, 1_000, 600_000, 'Longest time that a search or a long read may take.'),
  DATABASE_CONNECT_TIMEOUT_MS: integer(5_000, 100, 60_000, 'Longest wait for a connection to the database.'),
  DATABASE_LOCK_WAIT_MS: integer(3_000, 1_000, 60_000, 'How long a write waits for another’s lock; whole seconds.'),
} as const
const DatabaseEnvironment = z.object(DATABASE_VARIABLES)
export type DatabaseEnvironment = z.infer<typeof DatabaseEnvironment>

export type ConnectionPool = { connections: number; processes: number; timeoutMs: number }
export type DatabaseConfig = {
  server: 'informix' | 'derby'
  host: string
  port: number
  database: string
  user: string
  password: string
  tls: { certificate: string | null } | null
  read: ConnectionPool
  write: ConnectionPool
  scan: ConnectionPool
  connectTimeoutMs: number
  lockWaitMs: number
  /** What the file of names holds, parsed; {} without one. */
  mapping: unknown
  /** Of the environment, what IBM's driver may see. */
  environment: Record<string, string>
}

const DEFAULT_PORT = 9089
/** One that must be ended leaves the other. */
const WRITE_PROCESSES = 2
/** Where its libraries are, its own settings, and what every program needs; nothing that may be a secret. */
const SEEN_BY_THE_DRIVER = /^(PATH|HOME|TMPDIR|TZ|LANG|LC_\w+|LD_LIBRARY_PATH|IBM_DB_HOME|DB2\w*)$/
/** The code page of this side: UTF-8. */
const CODE_PAGE = '1208'

/** Null: the embedded database. Throws ConfigError. */
export function databaseFrom(env: DatabaseEnvironment, environment: NodeJS.ProcessEnv): DatabaseConfig | null {
  const url = env.DATABASE_URL === undefined ? null : parsedUrl(env.DATABASE_URL)
  if (url === null) return null
  const pool = (connections: number, timeoutMs: number, processes = 1) => ({ connections, processes, timeoutMs })
  return {
    ...url,
    password: env.DATABASE_PASSWORD_FILE === undefined ? url.password : passwordIn(env.DATABASE_PASSWORD_FILE),
    read: pool(env.DATABASE_READ_CONNECTIONS, env.DATABASE_READ_TIMEOUT_MS, env.DATABASE_READ_PROCESSES),
    write: pool(env.DATABASE_WRITE_CONNECTIONS, env.DATABASE_WRITE_TIMEOUT_MS, WRITE_PROCESSES),
    scan: pool(env.DATABASE_SCAN_CONNECTIONS, env.DATABASE_SCAN_TIMEOUT_MS),
    connectTimeoutMs: env.DATABASE_CONNECT_TIMEOUT_MS,
    lockWaitMs: env.DATABASE_LOCK_WAIT_MS,
    mapping: env.DATABASE_MAPPING === undefined ? {} : parsedFile(env.DATABASE_MAPPING),
    environment: driverEnvironment(environment),
  }
}

function driverEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const seen = Object.entries(environment).filter(([name]) => SEEN_BY_THE_DRIVER.test(name)) as [string, string][]
  return { ...Object.fromEntries(seen), DB2CODEPAGE: CODE_PAGE }
}

type Where = Pick<DatabaseConfig, 'server' | 'host' | 'port' | 'database' | 'user' | 'password' | 'tls'>

function parsedUrl(text: string): Where | null {
  if (!URL.canParse(text)) return null
  const { protocol, hostname, port, pathname, username, password, searchParams } = new URL(text)
  const database = decodeURIComponent(pathname.slice(1))
  const server = searchParams.get('server') ?? 'informix'
  if (protocol !== 'ibmdb:' || hostname === '' || username === '' || !/^\w+$/.test(database)) return null
  if (server !== 'informix' && server !== 'derby') return null
  const certificate = searchParams.get('certificate')
  return {
    server,
    host: hostname,
    port: Number(port || DEFAULT_PORT),
    database,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    tls: certificate !== null || searchParams.get('tls') === 'on' ? { certificate } : null,
  }
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch {
    throw new ConfigError('DATABASE_PASSWORD_FILE: a file that can be read')
  }
}

function parsedFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw new ConfigError('DATABASE_MAPPING: a file that can be read, and holds JSON')
  }
}
