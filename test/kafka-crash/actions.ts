import { spawnSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Dice } from '../../src/jobs/seed/random.ts'
import { until } from '../support/service.ts'
import type { Stage } from './stage.ts'

const FILE_LIMIT_BYTES = 4_096
const GROUP_LIMIT_MS = 30_000
const SPREAD_MS = 1_200
/** A burst is published and projected in so much, about. */
const MIDDLE_MS = 120
const DISK_LIMIT_MS = 60_000
const PARTITIONS = 6
const INJECTED = 300

/** Something befalls the fleet, which writes meanwhile. What was killed runs again afterwards. */
export type Action = (stage: Stage, roll: Dice, counts: Counts) => Promise<void>
export type Counts = { kills: number; rebalances: number; injected: number; garbage: number }

const moment = (roll: Dice) => delay(roll.below(SPREAD_MS))
/** Everybody changes, and the next thing happens while that is being handled. */
const inTheMiddle = async ({ burst }: Stage, roll: Dice) => {
  burst()
  await delay(roll.below(MIDDLE_MS))
}
const both = <One>(all: One[], what: (one: One) => Promise<void>) => Promise.all(all.map(what)).then(() => undefined)

export const ACTIONS: Record<string, Action> = {
  async 'relay killed'(stage, roll, counts) {
    const { relays } = stage
    await inTheMiddle(stage, roll)
    const relay = roll.pick(relays)
    await relay.kill()
    counts.kills += 1
    await moment(roll)
    await relay.start()
  },
  async 'both relays killed'(stage, roll, counts) {
    const { relays } = stage
    await inTheMiddle(stage, roll)
    await both(relays, (relay) => relay.kill())
    counts.kills += relays.length
    await moment(roll)
    await both(relays, (relay) => relay.start())
  },
  async 'projector killed'(stage, roll, counts) {
    const { projectors } = stage
    await inTheMiddle(stage, roll)
    const projector = roll.pick(projectors)
    await projector.kill()
    counts.kills += 1
    await moment(roll)
    await projector.start()
  },
  async 'both projectors killed'(stage, roll, counts) {
    const { projectors } = stage
    await inTheMiddle(stage, roll)
    await both(projectors, (projector) => projector.kill())
    counts.kills += projectors.length
    await moment(roll)
    await both(projectors, (projector) => projector.start())
  },
  async 'broker killed'(stage, roll, counts) {
    const { broker } = stage
    await inTheMiddle(stage, roll)
    await broker.kill()
    counts.kills += 1
    await moment(roll)
    await broker.start()
  },
  async 'all killed'(stage, roll, counts) {
    const { broker, relays, projectors } = stage
    await inTheMiddle(stage, roll)
    await both([...relays, ...projectors], (member) => member.kill())
    await broker.kill()
    counts.kills += relays.length + projectors.length + 1
    await moment(roll)
    await broker.start()
    await both([...relays, ...projectors], (member) => member.start())
  },
  /** Longer than its lease, and than its session: it goes on as if nothing had happened. */
  async 'relay stopped and woken'({ relays }, roll) {
    const relay = roll.pick(relays)
    relay.freeze()
    await delay(1_500 + roll.below(SPREAD_MS))
    relay.thaw()
  },
  async 'projector stopped and woken'({ projectors }, roll) {
    const projector = roll.pick(projectors)
    projector.freeze()
    await delay(2_500 + roll.below(SPREAD_MS))
    projector.thaw()
  },
  /** Of changes long handled, in any order and any partition, each several times. */
  async 'messages duplicated, reordered and late'({ harness, users }, roll, counts) {
    const messages = Array.from({ length: INJECTED }, () => {
      const entityId = String(1 + roll.below(users))
      const changedAt = `2020-01-0${1 + roll.below(9)} 00:00:00.000`
      const change = { v: 1, kind: 'change', entity: 'user', entityId, changeId: 1 + roll.below(50), changedAt }
      return { partition: roll.below(PARTITIONS), key: entityId, value: JSON.stringify(change) }
    })
    await harness.send(messages)
    counts.injected += messages.length
  },
  async 'messages that nobody understands'({ harness }, roll, counts) {
    const garbage = ['', 'x', '{}', '{"v":9,"kind":"change"}', '{"v":1,"kind":"change","entity":"cat","entityId":"1"}']
    await harness.send(garbage.map((value) => ({ partition: roll.below(PARTITIONS), key: null, value })))
    counts.garbage += garbage.length
  },
  /** With messages in it that nobody has read. */
  async 'topic deleted and made again'({ harness, projectors }, roll, counts) {
    await both(projectors, (projector) => projector.kill())
    counts.kills += projectors.length
    const before = await harness.published()
    await until(
      'changes are published that nobody reads',
      async () => (await harness.published()) > before + 20,
      GROUP_LIMIT_MS,
    )
    await harness.remakeTopic()
    await moment(roll)
    await both(projectors, (projector) => projector.start())
  },
  async 'offsets of the group deleted'({ harness, projectors }, roll, counts) {
    await both(projectors, (projector) => projector.kill())
    counts.kills += projectors.length
    await until(
      'the group is empty',
      () =>
        harness.deleteGroup().then(
          () => true,
          () => false,
        ),
      GROUP_LIMIT_MS,
    )
    await moment(roll)
    await both(projectors, (projector) => projector.start())
  },
  /** No file of the broker's may grow any more, which it takes for a broken disk, and ends. */
  async 'disk full'({ broker }, _roll, counts) {
    const limit = spawnSync('prlimit', ['--pid', String(broker.pid()), `--fsize=${FILE_LIMIT_BYTES}`])
    if (limit.status !== 0) throw new Error(`prlimit: ${limit.error?.message ?? limit.stderr}`)
    const ended = await Promise.race([broker.ended().then(() => true), delay(DISK_LIMIT_MS, false, { ref: false })])
    if (!ended) await broker.kill()
    counts.kills += 1
    await broker.start()
  },
}

export async function brokerDown({ broker }: Stage, ms: number): Promise<void> {
  await broker.kill()
  await delay(ms)
  await broker.start()
}

/** A member comes, and goes without a word. */
export async function rebalance(stage: Stage, roll: Dice, counts: Counts): Promise<void> {
  const guest = stage.guest()
  await delay(1_000 + roll.below(SPREAD_MS))
  counts.rebalances += 2
  if (roll.chance(0.5)) await guest.kill()
  else await guest.stop()
}
