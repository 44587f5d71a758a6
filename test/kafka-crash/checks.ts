import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Keys } from '../../src/projections/keys.ts'

const WATCH_EVERY_MS = 200
const POLL_MS = 100
/** Between a change's time and its commit, in this database and this test. */
const LONGEST_WRITE_MS = 500

/** What every version was and when: a copy of the counters, by the database itself. */
const HISTORY = `
  CREATE TABLE history (entity_id VARCHAR(20), version BIGINT, changed_at VARCHAR(23));
  CREATE INDEX history_at ON history (changed_at);
  CREATE TRIGGER history_kept AFTER INSERT ON entity_changes WHEN NEW.entity = 'user' BEGIN
    INSERT INTO history SELECT NEW.entity_id, SUM(version), NEW.changed_at FROM entity_versions
      WHERE entity = 'user' AND entity_id = NEW.entity_id;
  END`

/** The truth with its history, its copies, and how many people there are. */
export type Checked = { database: DatabaseSync; redis: Redis; keys: Keys; users: number }

export function keepHistory(database: DatabaseSync): void {
  database.exec(HISTORY)
}

export type Watch = { rounds(): number; violations: string[]; stop(): Promise<void> }

/** What must hold at every moment: versions never go back, none is ahead of the database, and the mark does not lie. */
export function watch(stage: Checked): Watch {
  const { redis, keys, database, users } = stage
  const seen = new Map<number, number>()
  const violations: string[] = []
  const byTime = database.prepare(
    'SELECT entity_id, MAX(version) AS version FROM history WHERE changed_at < ? AND changed_at >= ? GROUP BY entity_id',
  )
  let rounds = 0
  let markedUpTo = ''
  let stopped = false

  const look = async (): Promise<void> => {
    // Before the copies are read: what it vouches for must be in them.
    const mark = await redis.get(keys.home.mark)
    const copies = await versionsIn(stage)
    const truth = versionsOf(stage)
    for (let userId = 1; userId <= users; userId += 1) {
      const version = copies.get(userId) ?? 0
      const before = seen.get(userId) ?? 0
      if (version < before) violations.push(`user ${userId} went back from ${before} to ${version}`)
      if (version > (truth.get(userId) ?? 0)) violations.push(`user ${userId} is ahead: ${version}`)
      seen.set(userId, version)
    }
    if (mark !== null) {
      const upTo = new Date(Date.parse(`${mark.replace(' ', 'T')}Z`) - LONGEST_WRITE_MS)
        .toISOString()
        .replace('T', ' ')
        .slice(0, -1)
      for (const row of byTime.all(upTo, markedUpTo)) {
        const [userId, version] = [Number(row.entity_id), Number(row.version)]
        if ((copies.get(userId) ?? 0) < version)
          violations.push(
            `the mark ${mark} vouches for version ${version} of user ${userId}, and ${copies.get(userId)} is there`,
          )
      }
      if (upTo > markedUpTo) markedUpTo = upTo
    }
    rounds += 1
  }
  const running = (async () => {
    while (!stopped) {
      await look()
      await delay(WATCH_EVERY_MS)
    }
  })()
  return {
    rounds: () => rounds,
    violations,
    async stop() {
      stopped = true
      await running
    },
  }
}

async function versionsIn({ redis, keys, users }: Checked): Promise<Map<number, number>> {
  const pipeline = redis.pipeline()
  for (let userId = 1; userId <= users; userId += 1) pipeline.hget(keys.user(userId), 'v')
  const answers = (await pipeline.exec()) ?? []
  return new Map(answers.map(([, version], index) => [index + 1, Number(version ?? 0)]))
}

function versionsOf({ database }: Checked): Map<number, number> {
  const rows = database
    .prepare(`SELECT entity_id, SUM(version) AS version FROM entity_versions WHERE entity = 'user' GROUP BY entity_id`)
    .all()
  return new Map(rows.map((row) => [Number(row.entity_id), Number(row.version)]))
}

/** What is not as it must be once nobody writes any more; nothing when all is. The dearer looks only when the cheaper find nothing. */
export async function unsettled(stage: Checked): Promise<string[]> {
  const { database, redis, keys, users } = stage
  const [waiting] = database.prepare('SELECT COUNT(*) AS n FROM entity_changes').all()
  if (Number(waiting?.n) > 0) return [`${waiting?.n} changes in the outbox`]
  const [copies, truth] = [await versionsIn(stage), versionsOf(stage)]
  const behind = [...copies].filter(([userId, version]) => version !== truth.get(userId))
  if (behind.length > 0)
    return behind.map(([userId, version]) => `user ${userId}: ${version}, not ${truth.get(userId)}`)
  const titles = new Map(
    database
      .prepare('SELECT user_id, job_title FROM users')
      .all()
      .map((row) => [Number(row.user_id), row.job_title]),
  )
  const faults: string[] = []
  const pipeline = redis.pipeline()
  for (let userId = 1; userId <= users; userId += 1) pipeline.hmget(keys.user(userId), 'v', 'b', 'p')
  const answers = (await pipeline.exec()) ?? []
  for (const [index, [, entry]] of answers.entries()) {
    const userId = index + 1
    const [version, ...bodies] = entry as (string | null)[]
    if (Number(version) !== truth.get(userId)) faults.push(`user ${userId}: ${version}, not ${truth.get(userId)}`)
    else if (bodies.some((body) => JSON.parse(body ?? '{}').jobTitle !== titles.get(userId)))
      faults.push(`user ${userId}: another body`)
  }
  const [roles] = database.prepare(`SELECT SUM(version) AS version FROM entity_versions WHERE entity = 'role'`).all()
  const held = await redis.hget(keys.roles, 'v')
  if (Number(held) !== Number(roles?.version)) faults.push(`roles: ${held}, not ${roles?.version}`)
  const dirty = await redis.scard(keys.home.dirty)
  if (dirty > 0) faults.push(`${dirty} are fenced`)
  return faults
}

/** Waits until the mark vouches for all that was written; throws when it does not get there. */
export async function untilMarked({ database, redis, keys }: Checked, limitMs: number): Promise<void> {
  const [last] = database.prepare(`SELECT COALESCE(MAX(changed_at), '') AS at FROM history`).all()
  const deadline = performance.now() + limitMs
  for (
    let mark: string | null = null;
    mark === null || mark < String(last?.at);
    mark = await redis.get(keys.home.mark)
  ) {
    if (performance.now() > deadline) throw new Error(`the mark stands at ${mark}, and ${last?.at} was written`)
    await delay(POLL_MS)
  }
}

/** Waits until all is settled; throws with what is not. Answers how long it took, ms. */
export async function settle(stage: Checked, limitMs: number): Promise<number> {
  const beganAt = performance.now()
  for (;;) {
    const faults = await unsettled(stage)
    const tookMs = performance.now() - beganAt
    if (faults.length === 0) return tookMs
    if (tookMs > limitMs)
      throw new Error(`not settled after ${limitMs} ms: ${faults.length} faults: ${faults.slice(0, 5).join('; ')}`)
    await delay(POLL_MS)
  }
}
