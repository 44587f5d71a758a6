import type { User } from '../../src/domain/user.ts'
import { afterwards } from '../support/users.ts'
import { decide } from './clients.ts'
import { LONGEST_TRANSACTION_MS, type SimulatedDatabase } from './database.ts'
import type { World } from './process.ts'
import type { ForeignStep } from './program.ts'
import { newcomer } from './truth.ts'

/** Another program's transaction: open for a while, then there at once, with the times of its statements. */
export async function foreignWrite({ schedule, database }: World, step: ForeignStep): Promise<void> {
  const what = Object.values(step).join(' ')
  const begunAt = await schedule.call('foreign', `begins ${what}`, () => database.time.nowMs)
  await schedule.call('foreign', `commits ${what}`, () => {
    if (database.time.nowMs - begunAt > LONGEST_TRANSACTION_MS) return
    if (step.do === 'role') {
      const roles = database.rolesAt(database.rolesVersion())
      const role = { role: `foreign${database.rolesVersion()}`, title: 'Role', privileged: false, permissions: [] }
      database.commit({ roles: [...roles, role] }, begunAt)
    } else {
      const users = usersAfter(database, step)
      if (users.size > 0) database.commit({ users }, begunAt)
    }
  })
}

function usersAfter(database: SimulatedDatabase, step: Exclude<ForeignStep, { do: 'role' }>): Map<number, User | null> {
  const user = database.latest(step.user)
  if (step.do === 'create') return user ? new Map() : new Map([[step.user, newcomer(step.user)]])
  if (!user) return new Map()
  if (step.do === 'delete') return new Map([[step.user, null]])
  if (step.do === 'swap') {
    const other = database.latest(step.other)
    if (!other || other.id === user.id) return new Map()
    return new Map([
      [user.id, { ...user, username: other.username }],
      [other.id, { ...other, username: user.username }],
    ])
  }
  const change = step.do === 'rename' || step.do === 'assign' ? step : { do: step.do }
  return new Map([[user.id, afterwards(user, decide(change, user))]])
}
