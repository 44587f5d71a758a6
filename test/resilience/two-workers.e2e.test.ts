import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processes } from '../../bench/processes.ts'
import { isSqlError } from '../../src/adapters/sql/errors.ts'
import { bulkLoad } from '../../src/adapters/sqlite/bulk-load.ts'
import { type Connection, openConnection } from '../../src/adapters/sqlite/connection.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { readModelKeys } from '../../src/projections/keys.ts'
import { connectRaw, stored } from '../support/read-models.ts'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'

const SEED = 11
const USERS = 1_500
/** Longer than it takes to find out what the stopped worker has in hand, on a busy machine. */
const LEASE_MS = 10_000
/** Some ten claims for each worker. */
const BACKLOG = 9_000
const MAX_STOPS = 50
const DRAIN_LIMIT_MS = 30_000
/** Longer than any transaction here lasts on a busy machine. */
const LOCK_WAIT_MS = 1_500
const MAX_CLAIMED = 500

/** The database itself keeps a journal: who claimed which change, and that it was forgotten. */
const JOURNAL = `
  CREATE TABLE journal (entry INTEGER PRIMARY KEY, what VARCHAR(10), change_id BIGINT, claim VARCHAR(32));
  CREATE TRIGGER journal_claims AFTER UPDATE OF claim ON change_claims WHEN NEW.claim <> '-' AND NEW.claim <> OLD.claim
    BEGIN INSERT INTO journal (what, change_id, claim) VALUES ('claimed', NEW.change_id, NEW.claim); END;
  CREATE TRIGGER journal_written AFTER INSERT ON entity_changes
    BEGIN INSERT INTO journal (what, change_id) VALUES ('written', NEW.change_id); END;
  CREATE TRIGGER journal_forgotten AFTER DELETE ON entity_changes
    BEGIN INSERT INTO journal (what, change_id) VALUES ('forgotten', OLD.change_id); END`

const workerOf = (claim: string): string => claim.split('.')[0] ?? ''

/** What a program that is not this service does and sees. */
function observed(database: Connection) {
  const rows = (sql: string) => database.all(sql, [])
  const number = (sql: string) => Number(rows(sql)[0]?.n)
  let round = 0
  return {
    rows,
    waiting: () => number('SELECT COUNT(*) AS n FROM entity_changes'),
    entries: () => number('SELECT COALESCE(MAX(entry), 0) AS n FROM journal'),
    /** Whether anybody can write: not while a process is stopped in the middle of a transaction. */
    isFree: () => {
      try {
        database.exec('BEGIN IMMEDIATE; ROLLBACK')
        return true
      } catch (error) {
        if (isSqlError(error, 'busy')) return false
        throw error
      }
    },
    /** The workers of claims since that entry of the journal. */
    workersSince: (entry: number) => {
      const claims = rows(`SELECT DISTINCT claim FROM journal WHERE entry > ${entry} AND claim IS NOT NULL`)
      return new Set(claims.map(({ claim }) => workerOf(String(claim))))
    },
    /** Those that have made so many claims; one that came to nothing, because the other was first, is none. */
    workersWithClaims: (least: number) => {
      const claims = rows(`SELECT DISTINCT claim FROM journal WHERE what = 'claimed'`)
      const byWorker = Map.groupBy(claims, ({ claim }) => workerOf(String(claim)))
      return [...byWorker].filter(([, made]) => made.length >= least).map(([worker]) => worker)
    },
    heldBy: (worker: string) => number(`SELECT COUNT(*) AS n FROM change_claims WHERE claim LIKE '${worker}.%'`),
    /** Changes everybody, until so much is to be done. */
    pile: (goal: number) => {
      while (number('SELECT COUNT(*) AS n FROM entity_changes') < goal) {
        round += 1
        database.run('UPDATE users SET job_title = ?', [`Round ${round}`])
      }
    },
  }
}
type Observed = ReturnType<typeof observed>

test(`two workers share the work; one is killed with changes in hand, and the other does just these again (seed ${SEED})`, async (t) => {
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'users-service-two-'))
  stack.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  const started = processes(stack, dir)
  const path = join(dir, 'users.db')
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: USERS, seed: SEED }), onProgress: () => undefined })
  const database = openConnection(path, { readOnly: false })
  stack.defer(database.close)
  database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}; ${JOURNAL}`)
  const seen = observed(database)
  const [epoch] = seen.rows('SELECT epoch FROM service_epoch')
  const keys = readModelKeys(String(epoch?.epoch))
  const redis = await startTestRedis()
  stack.defer(redis.stop)
  const raw = connectRaw(t, redis.url)

  const environment = { DATA_DIR: dir, REDIS_URL: redis.url, FEED_LEASE_MS: String(LEASE_MS), LOG_FORMAT: 'json' }
  const [doomed] = ['a', 'b'].map((name) => started.service(name, ['work', 'project'], environment))
  assert.ok(doomed)
  await until('the read models are built', () => raw.get(keys.home.built))
  // A second claim is made when the first has been handled. One may have done with everything before the other is there,
  // which gives its first claims back until it believes the Redis.
  const bothAtWork = async () => {
    if (seen.waiting() < BACKLOG / 2) seen.pile(BACKLOG)
    return seen.workersWithClaims(2).length === 2
  }
  await until('both workers are there', bothAtWork)
  await until('all is handled', async () => seen.waiting() === 0, DRAIN_LIMIT_MS)
  database.exec('DELETE FROM journal')
  seen.pile(BACKLOG)
  await until('both workers have handled some', bothAtWork)

  const killed = await stopInTheMiddle(doomed.child.pid ?? 0, seen)
  doomed.child.kill('SIGKILL')
  const inHand = seen.heldBy(killed)
  assert.ok(inHand > 0 && inHand <= MAX_CLAIMED, `${inHand} in hand`)
  for (let left = seen.waiting(); left > 0; left = seen.waiting()) {
    await until('fewer are waiting', async () => seen.waiting() < left)
  }

  checkJournal(seen, killed, inHand)
  for (const table of ['change_claims', 'parked_changes']) assert.deepEqual(seen.rows(`SELECT * FROM ${table}`), [])
  const { entries, sets } = await stored(raw, keys)
  const versions = seen.rows(`SELECT entity_id, SUM(version) AS version FROM entity_versions
    WHERE entity = 'user' GROUP BY entity_id`)
  assert.equal(versions.length, USERS)
  for (const { entity_id: id, version } of versions) assert.equal(entries[String(id)]?.v, String(version), `user ${id}`)
  assert.deepEqual(sets.dirty ?? [], [])
})

/** Stops the process at a moment when its worker has changes in hand. Answers that worker's name. */
async function stopInTheMiddle(pid: number, seen: Observed): Promise<string> {
  for (let stops = 0; stops < MAX_STOPS; stops += 1) {
    seen.pile(BACKLOG)
    process.kill(pid, 'SIGSTOP')
    const since = seen.entries()
    // Who goes on claiming is the other one.
    if (seen.isFree()) {
      const [other] = await until('the other goes on', async () => {
        const workers = seen.workersSince(since)
        return workers.size > 0 && [...workers]
      })
      const stopped = [...seen.workersSince(0)].find((worker) => worker !== other)
      if (stopped !== undefined && seen.heldBy(stopped) > 0) return stopped
    }
    process.kill(pid, 'SIGCONT')
  }
  throw new Error(`stopped ${MAX_STOPS} times, and never in the middle`)
}

/** Each change was claimed once and forgotten once; those that the killed one had in hand were claimed once more. */
function checkJournal(seen: Observed, killed: string, inHand: number): void {
  const claims = new Map<number, string[]>()
  const forgotten = new Map<number, number>()
  const written = new Set<number>()
  for (const { what, change_id, claim } of seen.rows('SELECT what, change_id, claim FROM journal ORDER BY entry')) {
    const id = Number(change_id)
    if (what === 'written') written.add(id)
    else if (what === 'claimed') claims.set(id, [...(claims.get(id) ?? []), String(claim)])
    else forgotten.set(id, (forgotten.get(id) ?? 0) + 1)
  }
  assert.ok(written.size >= BACKLOG)
  assert.deepEqual(
    [...written].filter((id) => forgotten.get(id) !== 1),
    [],
    'each is forgotten once',
  )
  const twice = [...written].filter((id) => claims.get(id)?.length !== 1)
  assert.equal(twice.length, inHand, 'nothing but what was in hand is claimed again')
  for (const id of twice) {
    const [first = '', second = '', ...more] = claims.get(id) ?? []
    assert.deepEqual([workerOf(first), more], [killed, []])
    assert.notEqual(workerOf(second), killed)
  }
  assert.equal(new Set(twice.map((id) => claims.get(id)?.[0])).size, 1, 'it had one claim')
  const shares = Map.groupBy(written, (id) => workerOf(claims.get(id)?.at(-1) ?? ''))
  assert.equal(shares.size, 2, 'both have done some')
}
