import type { VersionBumps } from '../../ports/jobs.ts'
import type { ReadModelRedis } from '../../ports/redis.ts'
import type { Log, Truth } from '../../ports.ts'
import { MAX_BULK_USERS } from '../../ports.ts'
import { readModelStates } from '../../projections/consistency/states.ts'
import type { Examination, Tally } from '../../projections/consistency/tally.ts'
import type { Keys } from '../../projections/keys.ts'
import type { Projector } from '../../projections/projector.ts'
import type { Schemas } from '../../projections/schemas/schemas.ts'
import { project } from '../../projections/user/shown.ts'
import { compare } from './compare.ts'
import { userDraw } from './draw.ts'
import { examiner } from './examine.ts'
import { mender } from './mend.ts'
import { rechecker } from './recheck.ts'
import { rolesAuditor } from './roles.ts'
import { strayFinder } from './strays.ts'
import { type WalkJob, walker } from './walk.ts'

export type AuditSettings = {
  sampleSize: number
  /** How long after a change, or after a difference was first seen, it is looked at (again). */
  recheckAfterMs: number
  /** What the database may be asked for by audits that look at many. */
  usersPerSecond: number
}
export type AuditorDeps = {
  redis: ReadModelRedis
  keys: Keys
  truth: Truth
  projector: Projector
  schemas: Pick<Schemas, 'others'>
  bumps: VersionBumps
  tally: Tally
  /** How long ago a change may have been made that has not yet been handled. */
  lagMs(): number
  settings: AuditSettings
  log: Log
  random?: () => number
  now?: () => number
}
export type Auditor = ReturnType<typeof auditor>

/** Never trusts the read models: compares them with the database, puts right what differs, and counts. */
export function auditor(deps: AuditorDeps) {
  const { truth, tally, settings, random = Math.random, now = Date.now } = deps
  const states = readModelStates(deps)
  const shared = { ...deps, states, recheckAfterMs: settings.recheckAfterMs }
  const examine = examiner(shared)
  const causesNow = async ({ userId }: { userId: number }) => {
    const found = await truth.user(userId)
    const state = await states.of(project(found))
    return state ? compare(found, state) : []
  }
  const isShared = async () => (await deps.schemas.others()).length > 0
  const mend = mender({ ...shared, isShared, causesNow })
  const auditRoles = rolesAuditor(shared)
  const findStrays = strayFinder({ ...shared, examine, mend })
  const walk = walker({
    ...shared,
    usersPerSecond: settings.usersPerSecond,
    now,
    examine,
    mend,
    findStrays,
    auditRoles,
  })
  const draw = userDraw({ truth, random })

  const users = async (userIds: number[]): Promise<Examination> => {
    const total: Examination = { checked: 0, differing: 0, moving: 0 }
    for (let from = 0; from < userIds.length; from += MAX_BULK_USERS) {
      const { checked, moving, findings } = await examine(userIds.slice(from, from + MAX_BULK_USERS))
      total.differing += await mend(findings)
      total.checked += checked
      total.moving += moving
    }
    return total
  }
  return {
    users,
    walk: (job: WalkJob): Promise<Examination> => walk(job),
    /** Users drawn by chance: these, and only these, are what consistency is measured by. */
    async sample(): Promise<Examination> {
      const total = await users(await draw(settings.sampleSize))
      await tally.sampled(total)
      await auditRoles()
      return total
    },
    recheck: rechecker({ ...shared, users, usersPerSecond: settings.usersPerSecond }),
  }
}
