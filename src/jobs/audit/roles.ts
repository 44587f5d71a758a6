import { setTimeout as wait } from 'node:timers/promises'
import type { VersionBumps } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log, Truth } from '../../ports.ts'
import type { Cause } from '../../projections/consistency/causes.ts'
import type { States } from '../../projections/consistency/states.ts'
import type { Tally } from '../../projections/consistency/tally.ts'
import type { Keys } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import { raiseAlarm } from './mend.ts'

type Deps = {
  redis: Pick<ReadModelRedis, 'hmget' | 'refreshIncarnation'>
  keys: Keys
  truth: Pick<Truth, 'roles'>
  states: Pick<States, 'withdraw' | 'raiseAlarm'>
  projector: Pick<Projector, 'projectRoles'>
  bumps: VersionBumps
  tally: Pick<Tally, 'found' | 'mended' | 'alarm'>
  lagMs(): number
  recheckAfterMs: number
  log: Log
}
type Seen = { version: number; incarnation: string; cause: Cause | null }

/** Compares the role catalogue with its copy, by the same rules as users. Answers whether it differed. */
export function rolesAuditor(deps: Deps) {
  const { projector, bumps, tally, lagMs, recheckAfterMs, log } = deps
  return async (): Promise<boolean> => {
    const before = await look(deps)
    if (!before?.cause) return false
    await wait(recheckAfterMs)
    const now = await look(deps)
    const persists = now?.cause === before.cause && now.version === before.version
    if (!now?.cause || !persists || now.incarnation !== before.incarnation) return false
    if ((now.cause === 'roles-behind' || now.cause === 'roles-missing') && lagMs() >= recheckAfterMs) return false
    await tally.found([now.cause])
    log.warn({ version: now.version, cause: now.cause }, 'the auditor found a difference in the role catalogue')
    if (now.cause === 'roles-ahead') {
      await raiseAlarm(deps, deps.keys.home.index, now.incarnation)
      return true
    }
    if (now.cause === 'roles-content') await bumps.roles(now.version)
    await projector.projectRoles()
    if ((await look(deps))?.cause === null) await tally.mended([now.cause])
    return true
  }
}

/** The copy first, then the truth: what is ahead then really is. Null: nothing can be said now. */
async function look({ redis, keys, truth }: Deps): Promise<Seen | null> {
  const incarnation = await redis.refreshIncarnation(keys.home.inc)
  const [held, body] = await redis.hmget(keys.roles, 'v', 'b')
  const { version, roles, settled } = await truth.roles()
  if (!settled || incarnation === null || incarnation !== (await redis.refreshIncarnation(keys.home.inc))) return null
  const cause = (): Cause | null => {
    // Nobody has ever defined a role.
    if (!held) return version === 0 ? null : 'roles-missing'
    if (Number(held) !== version) return Number(held) > version ? 'roles-ahead' : 'roles-behind'
    if (!body) return 'roles-missing'
    return body.toString() === JSON.stringify(roles) ? null : 'roles-content'
  }
  return { version, incarnation, cause: cause() }
}
