import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import slotOf from 'cluster-key-slot'
import { Cluster } from 'ioredis'
import { foreignKey } from '../../src/projections/keys.ts'
import { startTestCluster, type TestCluster } from '../support/cluster.ts'
import { fresh, IDS_A_CALL, KIND, neighbour, replica, SHAPE, TIMES } from '../support/foreign.ts'
import { connectClient, freshKeys } from '../support/read-models.ts'
import { until } from '../support/service.ts'

const CLAIM_MS = 60_000
const IDS = ['B1', 'B2', 'B{3}', 'B 4', '', 'B6', 'B7', 'B8']

let cluster: TestCluster
before(async () => {
  cluster = await startTestCluster()
})
after(() => cluster?.stop())

test('on a cluster the copies of one read lie in many slots, and all replicas share them', async (t) => {
  const wall = { now: Date.now() }
  const shops = neighbour()
  const replicas = await Promise.all(
    [1, 2].map(async () => {
      const redis = await connectClient(t, cluster.url, freshKeys())
      const all = replica({ redis, fetch: shops.fetch, now: () => wall.now, claimMs: CLAIM_MS })
      t.after(all.stop)
      return all
    }),
  )
  const raw = new Cluster(cluster.nodes.map(({ server }) => ({ host: '127.0.0.1', port: server.port })))
  raw.on('error', () => undefined)
  t.after(() => raw.disconnect())
  const [one = assert.fail(), two = one] = replicas
  const keys = IDS.map((id) => foreignKey(KIND, SHAPE, id))
  assert.ok(new Set(keys.map(slotOf)).size > IDS.length / 2)
  const all = Object.fromEntries(IDS.map((id) => [id, fresh(id)]))
  const answerAll = async () => {
    await until('it is asked for', async () => shops.calls.length === Math.ceil(IDS.length / IDS_A_CALL))
    for (const { answer } of shops.calls.splice(0)) await answer()
  }

  const first = one.begin(IDS)
  await answerAll()
  assert.deepEqual(await first.answered(), all)
  await until('all are kept', async () => (await Promise.all(keys.map((key) => raw.exists(key)))).every(Boolean))
  assert.deepEqual(await two.begin(IDS).answered(), all)

  wall.now += TIMES.freshMs + 1
  const second = two.begin(IDS)
  await until('it is asked for', async () => shops.calls.length > 0)
  const elsewhere = await one.begin(IDS).answered()
  assert.deepEqual(new Set(Object.values(elsewhere).map(({ state }) => state)), new Set(['stale']))
  await answerAll()
  assert.deepEqual(await second.answered(), all)
  assert.deepEqual(shops.asked(), [])
})
