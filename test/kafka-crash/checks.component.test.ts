import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { connectClient, freshKeys, openTruth, readModelsOf, redisOfFile } from '../support/read-models.ts'
import { until } from '../support/service.ts'
import { type Checked, keepHistory, settle, unsettled, untilMarked, watch } from './checks.ts'

const USERS = 12
const VICTIM = 5
const LIMIT_MS = 5_000
/** Vouches for all that this test can write. */
const LATER = '9999-01-01 00:00:00.000'

const { server, raw } = await redisOfFile()

type Staged = Checked & { write(): void; project(): Promise<unknown> }
/** Everything is as it must be. */
async function start(t: TestContext): Promise<Staged> {
  const { path, truth } = await openTruth(t, USERS)
  const database = new DatabaseSync(path)
  t.after(() => database.close())
  keepHistory(database)
  const keys = freshKeys()
  const models = readModelsOf({ client: await connectClient(t, server.url, keys), keys, truth })
  await models.build()
  database.exec('DELETE FROM entity_changes')
  let writes = 0
  return {
    ...{ database, redis: raw, keys, users: USERS },
    write() {
      writes += 1
      database.prepare('UPDATE users SET job_title = ? WHERE user_id = ?').run(`Title ${writes}`, VICTIM)
    },
    project: () => models.projector.projectUsers([VICTIM]),
  }
}
const versionOf = async ({ redis, keys }: Staged) => Number(await redis.hget(keys.user(VICTIM), 'v'))

const UNSETTLED: { what: string; harm(stage: Staged): unknown; found: RegExp }[] = [
  { what: 'a change that nobody took', harm: ({ write }) => write(), found: /^1 changes in the outbox$/ },
  {
    what: 'a change that was taken and not projected',
    harm({ write, database }) {
      write()
      database.exec('DELETE FROM entity_changes')
    },
    found: /^user 5: \d+, not \d+$/,
  },
  {
    what: 'a body that is not what the database says',
    harm: ({ redis, keys }) => redis.hset(keys.user(VICTIM), 'p', '{"jobTitle":"Old"}'),
    found: /^user 5: another body$/,
  },
  { what: 'nobody there', harm: ({ redis, keys }) => redis.del(keys.user(VICTIM)), found: /^user 5: 0, not \d+$/ },
  { what: 'old roles', harm: ({ redis, keys }) => redis.hset(keys.roles, 'v', '0'), found: /^roles: 0, not \d+$/ },
  {
    what: 'somebody who is fenced',
    harm: ({ redis, keys }) => redis.sadd(keys.home.dirty, String(VICTIM)),
    found: /^1 are fenced$/,
  },
]
for (const { what, harm, found } of UNSETTLED) {
  test(`what is not settled is seen: ${what}`, async (t) => {
    const stage = await start(t)
    assert.deepEqual(await unsettled(stage), [])
    await harm(stage)
    const faults = await unsettled(stage)
    assert.equal(faults.length, 1)
    assert.match(String(faults[0]), found)
    await assert.rejects(settle(stage, 0), { message: `not settled after 0 ms: 1 faults: ${faults[0]}` })
  })
}

const VIOLATIONS: { what: string; harm(stage: Staged): unknown; found: RegExp }[] = [
  {
    what: 'a version that goes back',
    harm: async (stage) => stage.redis.hset(stage.keys.user(VICTIM), 'v', String((await versionOf(stage)) - 1)),
    found: /^user 5 went back from \d+ to \d+$/,
  },
  {
    what: 'a version that the database has not',
    harm: async (stage) => stage.redis.hset(stage.keys.user(VICTIM), 'v', String((await versionOf(stage)) + 1)),
    found: /^user 5 is ahead: \d+$/,
  },
  {
    what: 'a mark that vouches for what has not been projected',
    async harm({ write, redis, keys }) {
      write()
      await redis.set(keys.home.mark, LATER)
    },
    found: /^the mark 9999-01-01 00:00:00.000 vouches for version \d+ of user 5, and \d+ is there$/,
  },
]
for (const { what, harm, found } of VIOLATIONS) {
  test(`what must hold at every moment is watched: ${what}`, async (t) => {
    const stage = await start(t)
    stage.write()
    await stage.project()
    const watching = watch(stage)
    t.after(watching.stop)
    await until('it has looked', async () => watching.rounds() > 0)
    assert.deepEqual(watching.violations, [])
    await harm(stage)
    const [violation] = await until('it is seen', async () => watching.violations.length > 0 && watching.violations)
    assert.match(violation ?? '', found)
  })
}

test('a mark that does not come is waited for, and then told', async (t) => {
  const stage = await start(t)
  stage.write()
  await assert.rejects(untilMarked(stage, 0), /^Error: the mark stands at null, and \d{4}-\S+ \S+ was written$/)
  await stage.redis.set(stage.keys.home.mark, LATER)
  await untilMarked(stage, LIMIT_MS)
})
