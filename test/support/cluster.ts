import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import slotOf from 'cluster-key-slot'
import { Redis } from 'ioredis'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { type LocalRedis, startLocalRedis } from '../../src/adapters/redis/local-server.ts'
import { redisBinary } from './redis.ts'
import { until } from './service.ts'

const MASTERS = 3
const SLOTS = 16_384
/** Short, so that a test sees a failover soon; long enough not to see one where there is none. */
const NODE_TIMEOUT_MS = 1_500
const KEYS_A_MIGRATION = 100
const MIGRATION_LIMIT_MS = 5_000
const PAUSE_MS = 5_000

export type ClusterNode = { server: LocalRedis; raw: Redis; id: string }
export type TestCluster = Awaited<ReturnType<typeof startTestCluster>>

/** Six real servers on loopback: three masters with a replica each. It is gone with its folders after `stop`. */
export async function startTestCluster() {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-cluster-'))
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })]
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    const nodes: ClusterNode[] = []
    for (let index = 0; index < 2 * MASTERS; index += 1) nodes.push(await startNode(join(dir, String(index)), ends))
    await meetAll(nodes)
    const masterOf = async (key: string) => {
      const owner = await ownerSeenBy(alive(nodes), key)
      const master = nodes.find(({ id }) => id === owner)
      if (!master) throw new Error(`nobody serves ${key}`)
      return master
    }
    return {
      url: `redis-cluster://${nodes.map(({ server }) => `127.0.0.1:${server.port}`).join(',')}`,
      nodes,
      masterOf,
      moveSlot: (key: string) => moveSlot(nodes, key, masterOf),
      agreed: () => agreed(nodes),
      killMaster: (key: string) => killMaster(key, masterOf),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startNode(dir: string, ends: (() => Promise<unknown>)[]): Promise<ClusterNode> {
  const more = {
    '--cluster-enabled': 'yes',
    '--cluster-port': String(await freePort()),
    '--cluster-node-timeout': String(NODE_TIMEOUT_MS),
    '--cluster-require-full-coverage': 'no',
    '--repl-diskless-sync-delay': '0',
  }
  const server = await startLocalRedis({ binary: redisBinary(), dir, persist: false, more })
  ends.push(server.stop)
  ends.push(guardAgainstOurEnd(server.pid, dir).end)
  const raw = new Redis(server.url, { protocol: 2, maxRetriesPerRequest: 1 })
  raw.on('error', () => undefined)
  ends.push(async () => raw.disconnect())
  return { server, raw, id: String(await raw.cluster('MYID')) }
}

async function meetAll(nodes: ClusterNode[]): Promise<void> {
  const [first, ...others] = nodes
  if (!first) throw new RangeError('a cluster of no nodes')
  const masters = nodes.slice(0, MASTERS)
  for (const [index, { raw }] of masters.entries()) {
    const [from, to] = [index, index + 1].map((n) => Math.floor((n * SLOTS) / MASTERS))
    await raw.cluster('ADDSLOTSRANGE', from ?? 0, (to ?? 0) - 1)
    await raw.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const { server } of others) {
    const bus = Number((await busPort(server.url)) ?? 0)
    await first.raw.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(bus))
  }
  const known = async ({ raw }: ClusterNode) =>
    String(await raw.cluster('INFO')).includes(`cluster_known_nodes:${nodes.length}`)
  await until('all nodes know each other', async () => (await Promise.all(nodes.map(known))).every(Boolean))
  for (const [index, { raw }] of nodes.slice(MASTERS).entries())
    await raw.cluster('REPLICATE', masters[index]?.id ?? '')
  await untilWhole(nodes)
}

/** Every node agrees, and each replica follows its master. */
export async function untilWhole(nodes: ClusterNode[]): Promise<void> {
  const ok = async ({ raw }: ClusterNode) => {
    const [info, replication] = [String(await raw.cluster('INFO')), await raw.info('replication')]
    const follows = !replication.includes('role:slave') || replication.includes('master_link_status:up')
    return info.includes('cluster_state:ok') && info.includes(`cluster_slots_assigned:${SLOTS}`) && follows
  }
  await until('the cluster is whole', async () => (await Promise.all(nodes.map(ok))).every(Boolean))
}

/** The id of the master that this node takes for the owner of the key's slot. */
async function ownerSeenBy({ raw }: ClusterNode, key: string): Promise<string | undefined> {
  const slots = (await raw.cluster('SLOTS')) as unknown as [number, number, [string, number, string]][]
  return slots.find(([from, to]) => from <= slotOf(key) && slotOf(key) <= to)?.[2][2]
}

/**
 * Ends when all that live see the same owners and the same configuration epochs, no two alike. A slot that is moved again
 * before that may end as nobody's: its new master takes an epoch that its old one has too, and whoever then raises theirs
 * is believed (Redis Cluster specification, "Hash slots configuration propagation").
 */
async function agreed(nodes: ClusterNode[]): Promise<void> {
  await until('all nodes agree about slots and epochs', async () => {
    const living = nodes.filter(({ raw }) => raw.status === 'ready')
    const views = await Promise.all(living.map(mastersSeenBy))
    const epochs = (views[0] ?? []).map(({ epoch }) => epoch)
    return new Set(views.map((view) => JSON.stringify(view))).size === 1 && new Set(epochs).size === epochs.length
  })
}

/** The masters with slots, by id, as this node sees them. */
async function mastersSeenBy({ raw }: ClusterNode) {
  const lines = String(await raw.cluster('NODES'))
    .trim()
    .split('\n')
  const masters = lines.map((line) => {
    const [id, , flags, , , , epoch, , ...slots] = line.split(' ')
    // Slots on the move are shown in brackets, and only by those who move them.
    return { id: id ?? '', flags, epoch, slots: slots.filter((range) => !range.startsWith('[')) }
  })
  return masters
    .filter(({ flags, slots }) => flags?.includes('master') && slots.length > 0)
    .map(({ id, epoch, slots }) => ({ id, epoch, slots }))
    .toSorted((a, b) => a.id.localeCompare(b.id))
}

async function busPort(url: string): Promise<string | undefined> {
  const raw = new Redis(url, { protocol: 2 })
  try {
    return String((await raw.config('GET', 'cluster-port')) as string[]).split(',')[1]
  } finally {
    raw.disconnect()
  }
}

function alive(nodes: ClusterNode[]): ClusterNode {
  const node = nodes.find(({ raw }) => raw.status === 'ready')
  if (!node) throw new Error('no node lives')
  return node
}

/** Moves the slot of a key to another master, key by key, as an operator's tool does, while everybody goes on. */
async function moveSlot(nodes: ClusterNode[], key: string, masterOf: (key: string) => Promise<ClusterNode>) {
  const slot = slotOf(key)
  const source = await masterOf(key)
  const isMaster = async ({ raw }: ClusterNode) => (await raw.info('replication')).includes('role:master')
  const masters: ClusterNode[] = []
  for (const node of nodes) if (node.raw.status === 'ready' && (await isMaster(node))) masters.push(node)
  const target = masters.find(({ id }) => id !== source.id)
  if (!target) throw new Error('no other master')
  await target.raw.cluster('SETSLOT', slot, 'IMPORTING', source.id)
  await source.raw.cluster('SETSLOT', slot, 'MIGRATING', target.id)
  for (;;) {
    const keys = (await source.raw.cluster('GETKEYSINSLOT', slot, KEYS_A_MIGRATION)) as string[]
    if (keys.length === 0) break
    await source.raw.call('MIGRATE', '127.0.0.1', target.server.port, '', '0', MIGRATION_LIMIT_MS, 'KEYS', ...keys)
  }
  for (const { raw } of [target, source, ...masters]) await raw.cluster('SETSLOT', slot, 'NODE', target.id)
  await agreed(nodes)
}

/** Kills the master of a key's slot, once its replicas have all that it has; ends when one of them has taken over. */
async function killMaster(key: string, masterOf: (key: string) => Promise<ClusterNode>): Promise<void> {
  const dying = await masterOf(key)
  // What is written meanwhile waits as well.
  await dying.raw.call('CLIENT', 'PAUSE', String(PAUSE_MS), 'WRITE')
  await dying.raw.wait(1, PAUSE_MS)
  process.kill(dying.server.pid, 'SIGKILL')
  await until('a replica takes over', async () => (await masterOf(key).catch(() => dying)) !== dying)
}
