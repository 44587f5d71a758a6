import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { sqlVersionBumps } from '../../src/adapters/sql/version-bumps.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { openConnection } from '../../src/adapters/sqlite/connection.ts'
import { readConfig } from '../../src/config.ts'
import { type AuditorDeps, auditor } from '../../src/jobs/audit/auditor.ts'
import { dataFor, rebuilder, unqueued } from '../../src/jobs/rebuild/rebuild.ts'
import { mulberry32 } from '../../src/jobs/seed/random.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import type { SqlValue } from '../../src/ports.ts'
import { consistencyReport } from '../../src/projections/consistency/report.ts'
import { wireCore } from '../../src/wiring-core.ts'
import { databasePath } from '../../src/wiring-database.ts'
import { patient } from '../../src/wiring-workers.ts'
import { quiet } from './service.ts'

export const SEED = 7
/** An audit that is asked for in a test need not wait long to see whether what it found lasts. */
const RECHECK_AFTER_MS = 20
const NO_LIMIT = 1_000_000
/** So many that hardly anybody is missed; with this seed, nobody is. */
const DRAWS_A_USER = 8

const EPOCH_BYTES = 4

type Owner = { after(end: () => unknown): void }
type Options = { redisUrl: string; users: number; partitions?: number; audit?: Partial<AuditorDeps> }
export type AuditRig = Awaited<ReturnType<typeof auditRig>>

/** Read models of made-up people, built, over a real database; an auditor; and a plain connection to break things by. */
export async function auditRig(t: Owner, { redisUrl, users, partitions = 1, audit = {} }: Options) {
  const dataDir = await mkdtemp(join(tmpdir(), 'users-service-audit-'))
  const config = readConfig({
    DATA_DIR: dataDir,
    REDIS_URL: redisUrl,
    REDIS_PARTITIONS: String(partitions),
  })
  const path = databasePath(config)
  await loadPeople(path, users)
  const foreign = openConnection(path, { readOnly: false })
  foreign.run('UPDATE service_epoch SET epoch = ?', [randomBytes(EPOCH_BYTES).toString('hex')])
  const parts = await wireCore(patient(config), quiet)
  const raw = new Redis(redisUrl, { protocol: 2 })
  t.after(async () => {
    raw.disconnect()
    foreign.close()
    await parts.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const { keys, redis, guard, truth, tally } = parts
  const build = async (): Promise<void> => {
    const data = dataFor(await guard.check(), redis)
    if (data === null) throw new Error('this Redis is not prepared')
    await rebuilder(parts)(unqueued(data))
  }
  await build()
  const deps: AuditorDeps = {
    ...parts,
    bumps: sqlVersionBumps(parts.database),
    lagMs: () => 0,
    random: mulberry32(SEED),
    settings: { sampleSize: users * DRAWS_A_USER, recheckAfterMs: RECHECK_AFTER_MS, usersPerSecond: NO_LIMIT },
    log: quiet,
    ...audit,
  }
  const audits = auditor(deps)
  const walk = () => audits.walk({ progress: null, keep: async () => undefined, stop: new AbortController().signal })
  return {
    ...parts,
    config,
    raw,
    build,
    audits,
    walk,
    /** As a program that is not this service would. */
    sql: (statement: string, ...params: SqlValue[]) => void foreign.run(statement, params),
    query: (statement: string, ...params: SqlValue[]) => foreign.all(statement, params),
    exec: (statement: string) => foreign.exec(statement),
    someUser: async (userId: number) => {
      const { user, version } = await truth.user(userId)
      if (!user) throw new Error(`there is no user ${userId}`)
      return { user, version }
    },
    report: async () =>
      consistencyReport(await tally.read(), {
        now: Date.now(),
        oldestUnprojectedMs: 0,
        incarnation: (index) => redis.incarnation(keys.partitions[index]?.inc ?? ''),
      }),
  }
}

/** Databases of so many people: each is made once, and then only copied. */
const loaded = new Map<number, Buffer>()

async function loadPeople(path: string, count: number): Promise<void> {
  const known = loaded.get(count)
  if (known) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, known)
    return
  }
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count, seed: SEED }), onProgress: () => undefined })
  // So that it is in the mode that the service has it in.
  openConnection(path, { readOnly: false }).close()
  loaded.set(count, await readFile(path))
}
