import { after, before } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connectionString } from '../../src/adapters/informix/connection-string.ts'
import { type Informix, type InformixOptions, openInformix } from '../../src/adapters/informix/database.ts'
import { type Driver, type DriverOptions, startDriver } from '../../src/adapters/informix/driver.ts'
import { DRDA_USER, type DrdaServer, startDrdaServer } from '../support/drda/server.ts'
import { lastFirst, type OpenRig, type OtherProgram, type Owner } from './rig.ts'

const MS = 1_000
const PAUSE_MS = 40
const ROUNDS = 80
/** Each takes all workers' locks in turn: some 20 ms. */
const CHANGES = 150
/** Above a wait for a deadlock's end, a second. */
const LEASE_MS = 1_500
const SHARED_CONNECTIONS = 32
const DATABASES_A_SERVER = 240
const TIMEOUT_MS = 60_000
/** Derby is slow, and everybody waits for everybody. */
const PATIENCE_MS = 90_000
const POOL = { connections: 2, processes: 1, timeoutMs: TIMEOUT_MS }

export const drdaString = ({ port }: Pick<DrdaServer, 'port'>, database: string): string =>
  connectionString({
    ...{ host: '127.0.0.1', port, database, user: DRDA_USER, password: DRDA_USER },
    connectTimeoutSeconds: 5,
    tls: null,
  })

/** The service's own adapter, on a database of the tests' DRDA server. */
export function openDrda(
  server: Pick<DrdaServer, 'port'>,
  name: string,
  options: Partial<InformixOptions> = {},
): Informix {
  return openInformix({
    server: 'derby',
    connectionString: drdaString(server, name),
    environment: { DB2CODEPAGE: '1208' },
    connectTimeoutMs: 6_000,
    lockWaitMs: 5_000,
    read: POOL,
    write: { ...POOL, connections: 4 },
    scan: { ...POOL, connections: 1 },
    ...options,
  })
}

let shared: Driver | null = null

/** One process for all tests of a file: to start one, with the driver in it, takes longer than most of them. */
function sharedDriver(options: DriverOptions): Driver {
  if (!shared?.isWhole()) shared = startDriver({ ...options, maxConnections: SHARED_CONNECTIONS })
  return { ...shared, end: async () => undefined }
}

/** For the suite that calls it: runs as long as its tests do. */
export function withDrdaServer(): () => DrdaServer {
  let server: DrdaServer | undefined
  before(async () => {
    server = await startDrdaServer()
  })
  after(() => server?.stop())
  return () => {
    if (!server) throw new Error('the DRDA server does not run')
    return server
  }
}

/** IBM's driver over a real socket, as what the contract suites test. */
export function drdaRig(running: () => DrdaServer): OpenRig {
  let made = 0
  let inUse = 0
  return async (t, options = {}) => {
    const owner = lastFirst(t)
    const server = running()
    // Derby keeps what it has of a database until it ends, and after some hundreds no other one fits.
    if (inUse === 0 && made >= DATABASES_A_SERVER) {
      await server.renew()
      made = 0
    }
    made += 1
    inUse += 1
    owner.after(() => {
      inUse -= 1
    })
    const { lockWaitMs } = options
    const seconds = lockWaitMs === undefined ? {} : { lockWaitSeconds: Math.ceil(lockWaitMs / MS) }
    const name = server.makeDatabase(seconds)
    const opened = () => {
      const database = openDrda(server, name, { start: sharedDriver })
      owner.after(database.close)
      return database
    }
    const [database, other] = [opened(), opened()]
    const otherProgram = (transaction: string[], rounds: number) => plainClient(owner, opened(), transaction, rounds)
    return {
      ...owner,
      database,
      other,
      scan: database.scan,
      otherProgram,
      readersWait: true,
      rounds: ROUNDS,
      changes: CHANGES,
      leaseMs: LEASE_MS,
      patienceMs: PATIENCE_MS,
    }
  }
}

/** Statements of its own over its own connections: nothing of the service's but the driver. */
export function plainClient(t: Owner, database: Informix, transaction: string[], rounds: number): OtherProgram {
  let running = true
  let stopped = false
  const work = async () => {
    for (let round = 1; round <= rounds && !stopped; round += 1) {
      await database.transaction(async (session) => {
        for (const sql of transaction) await session.execute(sql, new Array(sql.split('?').length - 1).fill(round))
      })
      // Longer than a reader takes: else no read would ever find the database at rest.
      await wait(PAUSE_MS)
    }
  }
  const ended = work().finally(() => {
    running = false
  })
  ended.catch(() => undefined)
  t.after(async () => {
    stopped = true
    await ended.catch(() => undefined)
  })
  return { running: () => running, ended }
}
