import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Keys, readModelKeys } from '../../src/projections/keys.ts'
import { type Api, apiClient } from '../api/client.ts'
import { startTestCluster, type TestCluster } from '../support/cluster.ts'
import { startService, type TestService, until } from '../support/service.ts'

// The whole service over a Redis Cluster of six servers: what each client must see holds while slots move to other
// masters, and while a master is killed and its replica takes over.

const PARTITIONS = 24
const USERS = 60
const MOVED_PARTITIONS = 6
const ROUNDS_AFTERWARDS = 100

let cluster: TestCluster
let service: TestService
let api: Api
let keys: Keys
before(async () => {
  cluster = await startTestCluster()
  service = await startService({
    redis: { url: cluster.url, port: 0, pid: 0, flush: async () => undefined, stop: async () => undefined },
    environment: { REDIS_PARTITIONS: String(PARTITIONS) },
  })
  api = await apiClient(service.app)
  keys = readModelKeys(String((await service.query('SELECT epoch FROM service_epoch'))[0]?.epoch), PARTITIONS)
})
after(async () => {
  await service?.close()
  await cluster?.stop()
})

/** Writes and reads users in turn until told to stop, and remembers what was acknowledged. */
function traffic(userIds: number[]) {
  const acknowledged = new Map<number, number>()
  const wrong: string[] = []
  const statuses = new Map<string, number>()
  let rounds = 0
  let isOver = false
  const count = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1)
  const round = async () => {
    rounds += 1
    const userId = userIds[rounds % userIds.length] ?? 0
    if (rounds % 5 === 0) {
      const answer = await api.put(`/v1/users/${userId}/limits/cash-drop`, { value: rounds })
      count(`PUT ${answer.statusCode}`)
      if (answer.statusCode === 200) acknowledged.set(userId, answer.json().version)
    }
    const answer = await api.get(`/v1/users/${userId}`)
    count(`GET ${answer.statusCode} ${answer.headers['read-from']}`)
    const version = answer.statusCode === 200 ? answer.json().version : Number.NaN
    if (!(version >= (acknowledged.get(userId) ?? 0))) wrong.push(`user ${userId}: ${answer.statusCode} ${version}`)
    if (rounds % 20 === 0) {
      const roster = await api.get('/v1/branches/C1/users?limit=200')
      if (roster.json().items.length !== userIds.length) wrong.push(`roster of ${roster.json().items.length}`)
    }
  }
  const running = (async () => {
    while (!isOver) await round()
  })()
  return {
    wrong,
    statuses,
    rounds: () => rounds,
    async end() {
      isOver = true
      await running
    },
  }
}

test('nobody sees anything old while slots move and a master dies, and all is built again after it', async () => {
  const userIds: number[] = []
  for (let i = 0; i < USERS; i += 1) userIds.push(await api.somebody({ homeBranchId: 'C1', familyName: `Novák ${i}` }))
  const load = traffic(userIds)
  try {
    for (const { inc } of keys.partitions.slice(0, MOVED_PARTITIONS)) await cluster.moveSlot(inc)
    await service.built()
    const dying = await cluster.masterOf(keys.home.inc)
    process.kill(dying.server.pid, 'SIGKILL')
    await until('a replica takes over', async () => {
      return (await cluster.masterOf(keys.home.inc).catch(() => dying)) !== dying
    })
    await service.built()
    const since = load.rounds()
    await until('traffic goes on', async () => load.rounds() > since + ROUNDS_AFTERWARDS)
  } finally {
    await load.end()
  }
  assert.deepEqual(load.wrong, [])
  const refused = [...load.statuses.keys()].filter((what) => !/^(GET|PUT) 200/.test(what))
  assert.deepEqual(refused, [])
  await until('a search finds all', async () => {
    const search = await api.get('/v1/users?q=novak&limit=200')
    if (search.statusCode !== 200) return false
    assert.equal(search.json().items.length, USERS)
    return search.headers['read-from'] === 'redis'
  })
})
