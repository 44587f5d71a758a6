import type { Actor } from '../ports.ts'
import { advise, comparedIn, type Goal, PARACHUTE, percentile, type Strangler } from '../wiring-strangling.ts'
import { PlainError } from './plain-error.ts'

type Listed = Awaited<ReturnType<Strangler['list']>>[number]
type Set = Parameters<Strangler['set']>[0]

// Each answers what to tell; what the person at the terminal can mend is a PlainError.

export async function listRoutes(strangler: Strangler, { json = false }): Promise<string> {
  const routes = await strangler.list()
  return json ? `${JSON.stringify({ routes }, null, 2)}\n` : routes.map(shown).join('\n')
}

export async function setRoute(strangler: Strangler, name: string, what: Pick<Set, 'to' | 'reason' | 'by'>) {
  const { setting } = await strangler.set({ route: idOf(strangler, name), ...what })
  return `${name} is in ${modeOf(setting ?? { mode: 'legacy' })}; in force everywhere within a second.\n`
}

export async function resetRoute(strangler: Strangler, name: string, by: Actor): Promise<string> {
  const id = idOf(strangler, name)
  await strangler.reset({ route: id, by })
  const route = (await strangler.list()).find(({ route }) => route === id)
  return `${name} is in ${route ? modeOf(route) : 'legacy'} again, as it starts.\n`
}

type Promotion = Goal & {
  reason: string
  by: Actor
  /** Also where a canary has been set back. */
  again: boolean
  /** A step may last so long; then it is given up. */
  patienceMs: number
  lookEveryMs: number
}
type Surroundings = { tell(line: string): void; pause(ms: number): Promise<unknown>; now(): number; stop: AbortSignal }

/** Walks a route up while nothing speaks against it. Answers why it has ended; `done` false: somebody has to look. */
export async function promoteRoute(
  strangler: Strangler,
  name: string,
  { reason, by, again, patienceMs, lookEveryMs, ...goal }: Promotion,
  { tell, pause, now, stop }: Surroundings,
): Promise<{ done: boolean; why: string }> {
  const route = idOf(strangler, name)
  let before = await find(strangler, route)
  if (before.setting?.by === PARACHUTE && !again)
    return { done: false, why: `it was set back: ${before.setting.reason}. Mend that, and say --again.` }
  let sinceMs = now()
  let told = ''
  while (!stop.aborted) {
    const found = await find(strangler, route)
    if (found.setting?.at !== before.setting?.at) return { done: false, why: changed(found) }
    const advice = advise(standing(found, now() - sinceMs), goal)
    if (advice.what === 'done') return { done: true, why: `${name} is in ${modeOf(found)}` }
    if (advice.what === 'stop') return { done: false, why: advice.why }
    if (advice.what === 'step') {
      const ifSetAt = found.setting?.at ?? null
      const { setting } = await strangler.set({ route, to: advice.to, reason, by, ifSetAt })
      before = { ...found, setting }
      sinceMs = now()
      tell(`${name}: ${modeOf(setting ?? { mode: 'legacy' })}${evidenceOf(found)}`)
    } else {
      if (now() - sinceMs > patienceMs) return { done: false, why: `waited too long: ${advice.why}` }
      if (advice.why !== told) tell(`${name}: ${advice.why}`)
      told = advice.why
      await pause(lookEveryMs)
    }
  }
  return { done: false, why: 'stopped; the route stays as it is' }
}

const changed = ({ setting, ...route }: Listed): string =>
  `somebody else has set it: ${modeOf(route)}, by ${setting?.by ?? 'nobody'}: ${setting?.reason ?? 'reset'}`

function standing({ mode, percent, evidence, name }: Listed, inModeMs: number): Parameters<typeof advise>[0] {
  const isRead = name.startsWith('GET:')
  return { mode: mode === 'canary' ? { mode, percent: percent ?? 0 } : { mode }, evidence, inModeMs, isRead }
}

async function find(strangler: Strangler, id: string): Promise<Listed> {
  const found = (await strangler.list()).find(({ route }) => route === id)
  if (found === undefined) throw new PlainError(`There is no route "${id}".`)
  return found
}

function idOf(strangler: Strangler, name: string): string {
  const route = strangler.find(name)
  if (route === undefined)
    throw new PlainError(`There is no route "${name}"; \`users-service strangler list\` names them.`)
  return route.id
}

function modeOf({ mode, percent }: { mode: string; percent?: number | null }): string {
  return percent === null || percent === undefined ? mode : `${mode} ${percent} %`
}

function evidenceOf({ evidence }: Pick<Listed, 'evidence'>): string {
  if (evidence === null) return ''
  const { mismatch, noise } = evidence.compared
  return ` (before: ${comparedIn(evidence)} compared, ${mismatch} differ, ${noise} noise, ${evidence.native.failed} failed)`
}

function shown({ route, name, setting, evidence, ...mode }: Listed): string {
  const lines = [`${name}  (${route})`, `  ${modeOf(mode)}`]
  if (setting) lines.push(`  since ${setting.at} by ${setting.by}: ${setting.reason}`)
  if (evidence) {
    const side = (who: string, { requests, failed, buckets }: typeof evidence.native) =>
      `  ${who}: ${requests} answers, ${failed} failed, half within ${percentile(buckets, 50)} ms, 99 % within ${percentile(buckets, 99)} ms`
    const { compared } = evidence
    lines.push(
      side('legacy', evidence.legacy),
      side('native', evidence.native),
      `  compared: ${compared.equal} equal, ${compared.mismatch} differ, ${compared.noise} noise, ${compared.race} races, ${compared.failed} not answered, ${compared.dropped} left out`,
      ...Object.entries(evidence.paths).map(([path, count]) => `    differs at ${path}: ${count}`),
      ...Object.entries(evidence.noise).map(([path, count]) => `    changes by itself at ${path}: ${count}`),
    )
  }
  return `${lines.join('\n')}\n`
}
