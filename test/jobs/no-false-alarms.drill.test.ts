import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { sqlVersionBumps } from '../../src/adapters/sql/version-bumps.ts'
import { auditor } from '../../src/jobs/audit/auditor.ts'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { consistencyReport } from '../../src/projections/consistency/report.ts'
import { wireCore } from '../../src/wiring-core.ts'
import { patient } from '../../src/wiring-workers.ts'
import { lastFirst } from '../contract/rig.ts'
import { people } from '../resilience/storm.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'

const SEED = 20_261_126
const PEOPLE = 120
const WRITERS = 3
/** The least that may be set: differences that last longer than the feed's mark is old at most. */
const RECHECK_AFTER_MS = 3_000
/** Some seconds of them, so that there is something to look at again. */
const AUDITS = 24
const LIMIT_MS = 60_000

for (const partitions of [1, 7]) {
  test(`under heavy writes an auditor finds nothing, with ${partitions} partitions (seed ${SEED})`, {
    timeout: 180_000,
  }, async (context) => {
    const t = lastFirst(context)
    const service = await startService({ environment: { REDIS_PARTITIONS: String(partitions) } })
    t.after(service.close)
    const userIds = await people(service, PEOPLE)
    await service.app.inject({ method: 'PUT', url: '/v1/roles/cashier', payload: { title: 'c', permissions: [] } })
    const parts = await wireCore(patient(service.config), quiet)
    t.after(parts.close)
    await until('the lag is known', async () => parts.freshness.ageMs() < RECHECK_AFTER_MS)
    const { users, walk, sample, recheck } = auditor({
      ...parts,
      bumps: sqlVersionBumps(parts.database),
      lagMs: parts.freshness.ageMs,
      settings: { sampleSize: PEOPLE, recheckAfterMs: RECHECK_AFTER_MS, usersPerSecond: 1_000_000 },
      log: quiet,
    })
    const writing = writeHeavily(service, userIds)
    t.after(writing.stop)
    const stop = new AbortController().signal
    const seen = { checked: 0, moving: 0 }
    const count = ({ checked, moving }: { checked: number; moving: number }) => {
      seen.checked += checked
      seen.moving += moving
    }
    for (let audits = 0; audits < AUDITS; audits += 1) {
      count(await users(userIds))
      if (audits % 10 === 0) count(await walk({ progress: null, keep: async () => undefined, stop }))
      if (audits % 10 === 3) count(await recheck(stop))
      if (audits % 10 === 6) count(await sample())
    }
    await writing.stop()
    const report = consistencyReport(await parts.tally.read(), {
      now: Date.now(),
      oldestUnprojectedMs: 0,
      incarnation: () => '',
    })
    tell(context, { ...seen, written: writing.written() })
    assert.deepEqual(
      Object.entries(report.found).filter(([, found]) => found > 0),
      [],
    )
    assert.ok(seen.moving > 0, 'nothing was ever in flight: this showed nothing')
    assert.ok(writing.written() > AUDITS)
    await until('nothing differs', async () => (await users(userIds)).moving === 0, LIMIT_MS)
  })
}

function tell(context: TestContext, figures: object): void {
  context.diagnostic(JSON.stringify(figures))
}

/** Commands, and a program that is not this service, change everything that read models and indexes are made of. */
function writeHeavily(service: TestService, userIds: number[]) {
  let stopped = false
  let written = 0
  const command = async (method: 'PATCH' | 'PUT' | 'DELETE' | 'POST', url: string, payload?: object) => {
    const answer = await service.app.inject({ method, url, ...(payload ? { payload } : {}) })
    assert.ok(answer.statusCode < 500, answer.body)
    written += 1
  }
  const write = async (writer: number) => {
    const { below, pick } = dice(mulberry32(SEED + writer))
    while (!stopped) {
      const userId = pick(userIds)
      const n = below(1_000)
      const url = `/v1/users/${userId}`
      await pick([
        () => command('PATCH', url, { jobTitle: `job ${n}` }),
        () => command('PATCH', url, { familyName: `Name ${n}`, username: `u${userId}.${n}` }),
        () => command('PUT', `${url}/branches/B${n % 5}`, {}),
        () => command('DELETE', `${url}/branches/B${n % 5}`),
        () => command('POST', `${url}/suspend`),
        () => command('POST', `${url}/reinstate`),
        () => command('PUT', '/v1/roles/cashier', { title: `title ${n}`, permissions: [] }),
      ])()
      await wait(1)
    }
  }
  const foreign = async () => {
    const { below, pick } = dice(mulberry32(SEED - 1))
    while (!stopped) {
      const userId = pick(userIds)
      const n = below(1_000)
      await pick([
        () => service.sql('UPDATE users SET given_name = ?, phone = ? WHERE user_id = ?', `Given ${n}`, `${n}`, userId),
        () => service.sql('INSERT OR IGNORE INTO user_branches VALUES (?, ?)', userId, `F${n % 5}`),
        () => service.sql('DELETE FROM user_branches WHERE user_id = ? AND branch_id = ?', userId, `F${n % 5}`),
        () => service.sql('INSERT OR REPLACE INTO user_preferences VALUES (?, ?, ?)', userId, 'theme', `${n}`),
      ])()
      written += 1
      await wait(2)
    }
  }
  const all = Promise.all([...Array.from({ length: WRITERS }, (_, writer) => write(writer)), foreign()])
  return {
    written: () => written,
    stop: async () => {
      stopped = true
      await all
    },
  }
}
