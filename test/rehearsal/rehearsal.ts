import { setTimeout as delay } from 'node:timers/promises'
import { monotonicMs } from '../../bench/clock.ts'
import type { Propagation } from './balancer.ts'
import { learnWritten, tagBaseOf, wrongInTheEnd } from './end.ts'
import { ledgerOf } from './ledger.ts'
import { startLoad } from './load.ts'
import { crashNode, freezeNode, type Node } from './nodes.ts'
import { AFTERWARDS, type Phase, type Phases, phasesFrom } from './phases.ts'
import type { Settings } from './pods.ts'
import { type Ended, rollDeployment } from './rollout.ts'
import { type Component, type Stage, setStage } from './stage.ts'

const NODES = ['node-1', 'node-2', 'node-3'] as const
/** Longer than any fault here keeps a client waiting who has to go elsewhere; then it counts as failed. */
const LOOK_EVERY_MS = 100

export type Fault = 'no-grace' | 'readiness-ignored'
export type RehearsalOptions = {
  settings: Settings
  propagation: Propagation
  users: number
  rate: number
  seed: number
  /** Longest that a client waits. */
  limitMs: number
  /** Without load that is broken, before each part. */
  calmMs: number
  parts: Part[]
  /** What of ROLLED the rollout is of. */
  rolled: Rolled[]
  /** 2 are enough for a rollout. */
  nodes: 2 | 3
  /** Planted. */
  fault: Fault | null
  say(doing: string): void
}
export const PARTS = ['rollout', 'crash', 'crash of the master', 'freeze'] as const
export type Part = (typeof PARTS)[number]
export const ROLLED = ['api', 'projector', 'jobs', 'Redis'] as const
export type Rolled = (typeof ROLLED)[number]
export type Rehearsed = { phases: Phase[]; faults: string[]; acknowledged: number; ended: Ended[] }

/** Three nodes under load: a rollout of everything, nodes that are gone at once, and one that stands still for a while. */
export async function rehearse(options: RehearsalOptions, stack: AsyncDisposableStack): Promise<Rehearsed> {
  const { propagation, users, rate, seed, limitMs, calmMs, parts, fault, say } = options
  if (options.nodes < NODES.length && parts.some((part) => part !== 'rollout')) throw new Error('a node too few')
  const settings = fault === 'no-grace' ? withoutGrace(options.settings) : options.settings
  const isReadinessIgnored = fault === 'readiness-ignored'
  const stage = await setStage(stack, { settings, users, seed, propagation, isReadinessIgnored, say })
  const nodes = await fillNodes(stage, options.nodes)
  const ledger = ledgerOf()
  learnWritten(stage, ledger)
  const tagBase = await tagBaseOf(stage)
  const phases = phasesFrom(monotonicMs)
  const { balancer, credentials, written } = stage
  const calm = phases.begin('calm')
  const load = startLoad({ balancer, credentials, users, written, rate, seed, limitMs, phases, ledger, tagBase })
  stack.defer(load.stop)
  const watching = watchOutbox(stage, phases.waits)
  stack.defer(watching)
  await Promise.race([delay(calmMs), load.failed])

  const ended: Ended[] = []
  const faults: string[] = []
  const play = async (part: Part) => {
    say(part)
    if (part === 'rollout') return void ended.push(...(await rollout(stage, phases, options)))
    const node = nodes[part === 'crash of the master' ? 0 : 1]
    if (!node) throw new Error(`${part} needs three nodes`)
    const phase = phases.begin(part)
    const act = part === 'freeze' ? freezeNode : crashNode
    const victims = await act({ stage, phases, ledger, node }, phase)
    phases.begin(`${AFTERWARDS}${part}`)
    await delay(calmMs)
    const others = phase.failures.filter(({ pod }) => !victims.includes(pod))
    faults.push(...others.map(({ reason, pod }) => `${part}: failed at ${pod}, which was well: ${reason}`))
  }
  for (const part of parts) await Promise.race([play(part), load.failed])
  await load.stop()
  await watching()
  phases.end()
  await stage.whole()
  const mayFail = new Set<string>(parts.filter((part) => part !== 'rollout'))
  for (const { name, failures, wrong } of phases.all) {
    if (!mayFail.has(name)) faults.push(...failures.map(({ reason, pod }) => `${name}: failed: ${reason} at ${pod}`))
    faults.push(...wrong.map((complaint) => `${name}: ${complaint}`))
  }
  faults.push(
    ...ended
      .filter(({ killed, code }) => killed || code !== 0)
      .map(({ name, code }) => `${name} did not end by itself in time: ${code}`),
  )
  faults.push(...(await wrongInTheEnd(stage, ledger)))
  if (calm.requests === 0 || ledger.acknowledged() === 0) faults.push('nothing was asked, or nothing written')
  return { phases: phases.all, faults, acknowledged: ledger.acknowledged(), ended }
}

/** An API process on each; workers on two, jobs on one; the replica beside the second API. One after the other, because of SQLite. */
async function fillNodes(stage: Stage, count: 2 | 3): Promise<Node[]> {
  const names = NODES.slice(0, count)
  for (const name of names) await stage.start('api', name).ready()
  const workers: [Component, string][] = [
    ['projector', 'node-2'],
    ['projector', count === 2 ? 'node-1' : 'node-3'],
    ['jobs', 'node-1'],
  ]
  for (const [component, name] of workers) await stage.start(component, name).ready()
  await stage.whole()
  await stage.redis.whole()
  return names.map((name, index) => ({ name, redis: stage.redis.servers[index] ?? null }))
}

/** One kind after the other. */
async function rollout(stage: Stage, phases: Phases, { rolled, calmMs }: RehearsalOptions): Promise<Ended[]> {
  const ended: Ended[] = []
  for (const what of rolled) {
    const phase = phases.begin(`rollout: ${what}`)
    const atMs = monotonicMs()
    if (what === 'Redis') await stage.redis.roll()
    else ended.push(...(await rollDeployment(stage, what)))
    await stage.whole()
    phase.notes.push(['all is as before after', `${((monotonicMs() - atMs) / 1_000).toFixed(1)} s`])
    await delay(calmMs)
  }
  phases.begin(`${AFTERWARDS}rollout`)
  await delay(calmMs)
  return ended
}

function watchOutbox({ outbox }: Stage, waits: (count: number, ms: number) => void): () => Promise<void> {
  let over = false
  const watching = (async () => {
    while (!over) {
      waits(outbox.count(), outbox.oldestAgeMs())
      await delay(LOOK_EVERY_MS)
    }
  })()
  return async () => {
    over = true
    await watching
  }
}

/** A fault, planted: a pod that is to end is told so at once, and hangs up. */
function withoutGrace(settings: Settings): Settings {
  const environment = { ...settings.api.environment, SHUTDOWN_DRAIN_MS: '0' }
  return { ...settings, api: { ...settings.api, preStopMs: 0, environment } }
}
