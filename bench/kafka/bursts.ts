import type { Redis } from 'ioredis'
import { scattered } from '../people.ts'
import type { Data } from '../stage.ts'
import { PARTITIONS, type Rig, type Side, stopAll } from './rig.ts'
import { meter, peakMib, type Usage } from './usage.ts'
import { areWorking, haveJoined, until, type Worker } from './waiting.ts'

export const PROJECTORS = [1, 2, 4] as const
const READY_LIMIT_MS = 60_000
const DRAIN_LIMIT_MS = 300_000
/** Looked at after each burst, whether they show it. */
const SAMPLE = 200

/** `changes`: in `usage`'s time; of a burst, what was done while it was being seen that it had begun is not counted. */
export type Drained = { projectors: number; changes: number; usage: Usage; peakMib: number[] }
export type Published = { changes: number; usage: Usage; peakMib: number; bytesPerChange: number }
export type BurstRound = { direct: Drained[]; published: Published[]; kafka: Drained[] }

/** Everybody is changed once, again and again: over both sides, with one projector, two and four. */
export async function measureBursts(rig: Rig, round: number): Promise<BurstRound> {
  const measured: BurstRound = { direct: [], published: [], kafka: [] }
  for (const projectors of PROJECTORS) {
    const title = `burst ${round}.${projectors}`
    rig.stage.say(`${title}: ${projectors} projectors, out of the database`)
    measured.direct.push(await drainOutbox(rig, projectors, title))
    rig.stage.say(`${title}: the relay by itself`)
    measured.published.push(await publish(rig, title))
    rig.stage.say(`${title}: ${projectors} projectors, out of the topic`)
    measured.kafka.push(await drainTopic(rig, projectors, title))
  }
  return measured
}

/** The workers wait for it, warm; the time is from the writer's commit until nothing waits in the database. */
async function drainOutbox({ stage, direct }: Rig, count: number, title: string): Promise<Drained> {
  const projectors = startAll(direct, count)
  await until('all projectors work', READY_LIMIT_MS, stage, projectors, () => areWorking(stage, projectors))
  const { changes } = await direct.write({ kind: 'everybody', jobTitle: title })
  const used = meter({ projectors: pidsOf(projectors), redis: [direct.server.pid] })
  await until('the outbox is empty', DRAIN_LIMIT_MS, stage, projectors, () => direct.oldest() === null)
  return finish(direct, projectors, title, changes, used())
}

/** Nothing else runs. The time is from the first change that is seen to be published to the last. */
async function publish({ stage, kafka, broker, topic }: Rig, title: string): Promise<Published> {
  const { changes } = await kafka.write({ kind: 'everybody', jobTitle: title })
  const first = kafka.oldest()
  if (first === null) throw new Error(`${title}: the writer's changes left nothing in the outbox`)
  const [bytes, ends] = [topic.bytes(), await topic.ends(PARTITIONS)]
  const relay = kafka.start('relay')
  let reached = first
  await until('the relay publishes', READY_LIMIT_MS, stage, [relay], () => {
    reached = kafka.oldest() ?? first + changes
    return reached > first
  })
  const used = meter({ relay: [relay.running.pid], broker: [broker.pid()] })
  const left = first + changes - reached
  if (left <= 0) throw new Error(`${title}: published before it was looked at; more changes are needed`)
  await until('all is published', DRAIN_LIMIT_MS, stage, [relay], () => kafka.oldest() === null)
  const usage = used()
  const [peak, messages] = [peakMib(relay.running.pid), sum(await topic.ends(PARTITIONS)) - sum(ends)]
  const bytesPerChange = (topic.bytes() - bytes) / messages
  await stopAll([relay])
  return { changes: left, usage, peakMib: peak, bytesPerChange }
}

/** What stands in the topic. The time begins when all have joined and something is committed. */
async function drainTopic({ stage, kafka, broker, topic }: Rig, count: number, title: string): Promise<Drained> {
  const ends = await topic.ends(PARTITIONS)
  const all = await topic.left(ends)
  const projectors = startAll(kafka, count)
  let left = all
  await until('all projectors have joined and begun', READY_LIMIT_MS, stage, projectors, async () => {
    if (!haveJoined(stage, projectors, PARTITIONS)) return false
    left = await topic.left(ends)
    return left < all
  })
  if (left === 0) throw new Error(`${title}: drained before it was looked at; more changes are needed`)
  const pids = { projectors: pidsOf(projectors), redis: [kafka.server.pid], broker: [broker.pid()] }
  const used = meter(pids)
  await until(
    'nothing waits in the topic',
    DRAIN_LIMIT_MS,
    stage,
    projectors,
    async () => (await topic.left(ends)) === 0,
  )
  return finish(kafka, projectors, title, left, used())
}

async function finish(
  side: Side,
  projectors: Worker[],
  title: string,
  changes: number,
  usage: Usage,
): Promise<Drained> {
  const peaks = pidsOf(projectors).map(peakMib)
  await mustShow(side, title)
  await stopAll(projectors)
  return { projectors: projectors.length, changes, usage, peakMib: peaks }
}

/** Else the figures would be those of something that does not work. */
async function mustShow({ redis, data }: { redis: Redis; data: Data }, title: string): Promise<void> {
  const everybody = data.query<{ user_id: number }>('SELECT user_id FROM users ORDER BY user_id')
  for (const { user_id: userId } of scattered(everybody).slice(0, SAMPLE)) {
    const body = await redis.hget(data.keys.user(userId), 'b')
    const { jobTitle } = JSON.parse(body ?? '{}') as { jobTitle?: string }
    if (jobTitle !== title) throw new Error(`user ${userId} shows "${jobTitle}" after "${title}" had been handled`)
  }
}

const startAll = (side: Side, count: number) => Array.from({ length: count }, () => side.start('project'))
const pidsOf = (workers: Worker[]) => workers.map(({ running }) => running.pid)
const sum = (ends: Map<number, number>) => [...ends.values()].reduce((total, end) => total + end, 0)
