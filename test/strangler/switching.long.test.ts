import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mulberry32 } from '../../src/jobs/seed/random.ts'
import { lastFirst } from '../contract/rig.ts'
import { until } from '../support/service.ts'
import { addUsers, anotherReplica, type Client, startFront, startLegacy } from './rig.ts'

const SWITCHES = 1_000
const USERS = 20
/** What is promised of other replicas. */
const IN_FORCE_WITHIN_MS = 1_000
const SEED = Number(process.env.SEED ?? 8)

type Side = 'legacy' | 'native'
/** Which side answers whom in which mode; of canaries, all or nobody. */
const MODES: [mode: object, side: Side][] = [
  [{ mode: 'legacy' }, 'legacy'],
  [{ mode: 'shadow' }, 'legacy'],
  [{ mode: 'canary', percent: 100 }, 'native'],
  [{ mode: 'native' }, 'native'],
]

type Seen = { startedMs: number; endedMs: number; status: number; side: string | null; ok: boolean }

/** Asks on and on, one request after the other, until it is stopped. */
function load(client: Client, random: () => number) {
  const seen: Seen[] = []
  let stopped = false
  const running = (async () => {
    while (!stopped) {
      const id = 1 + Math.floor(random() * USERS)
      const startedMs = performance.now()
      const answer = await client.ask(`/users/${id}/`).catch(() => null)
      const ok = answer?.status === 200 && answer.json().id === id
      seen.push({
        ...{ startedMs, endedMs: performance.now(), ok },
        ...{ status: answer?.status ?? 0, side: answer?.by ?? null },
      })
    }
  })()
  return {
    seen,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

/** When which side was said, in force from when it was answered at the latest. */
type Said = { askedMs: number; answeredMs: number; side: Side }

/** Sides that may answer a request: all that were said from a second before it began to its end. */
function allowed(said: Said[], { startedMs, endedMs }: Seen): Set<Side> {
  const settled = said.findLast(({ answeredMs }) => answeredMs + IN_FORCE_WITHIN_MS <= startedMs)
  const since = settled ? said.indexOf(settled) : 0
  return new Set(said.slice(since).flatMap(({ askedMs, side }) => (askedMs <= endedMs ? [side] : [])))
}

test(`${SWITCHES} switches under load: nothing fails, and nobody is answered by the wrong side (seed ${SEED})`, async (context) => {
  const t = lastFirst(context)
  const random = mulberry32(SEED)
  const legacy = await startLegacy(t)
  const { service, ...here } = await startFront(t, legacy.url)
  const other = await anotherReplica(t, service)
  await addUsers(service, USERS)
  const loads = [here, other].map((client) => load(client, random))
  t.after(() => Promise.all(loads.map(({ stop }) => stop())))

  const said: Said[] = [{ askedMs: 0, answeredMs: 0, side: 'legacy' }]
  const learnedMs: number[] = []
  for (let i = 0; i < SWITCHES; i += 1) {
    const [mode, side] = MODES[Math.floor(random() * MODES.length)] ?? assert.fail()
    const askedMs = performance.now()
    await here.set('get-user', mode, `switch ${i}`)
    const answeredMs = performance.now()
    said.push({ askedMs, answeredMs, side })
    assert.equal((await here.ask('/users/1/')).by, side, `switch ${i}: at once in the replica that was told`)
    await until('the other learns', async () => (await other.ask('/users/1/')).by === side, 2 * IN_FORCE_WITHIN_MS)
    learnedMs.push(performance.now() - answeredMs)
  }
  for (const { stop } of loads) await stop()

  const seen = loads.flatMap((one) => one.seen)
  const wrong = seen.filter((one) => !allowed(said, one).has(one.side as Side))
  const failed = seen.filter(({ ok }) => !ok)
  learnedMs.sort((a, b) => a - b)
  context.diagnostic(
    `${seen.length} requests, ${failed.length} failed, ${wrong.length} by the wrong side; the other replica learned ` +
      `within ${Math.round(learnedMs[SWITCHES / 2] ?? 0)} ms (half), ${Math.round(learnedMs.at(-1) ?? 0)} ms (all)`,
  )
  assert.deepEqual([failed, wrong], [[], []])
  assert.ok(seen.length > SWITCHES, 'there was load')
  assert.ok((learnedMs.at(-1) ?? 0) <= IN_FORCE_WITHIN_MS)
  const rows = await service.query("SELECT COUNT(*) AS n FROM user_audit WHERE entity = 'route'")
  assert.equal(Number(rows[0]?.n), SWITCHES)
})
