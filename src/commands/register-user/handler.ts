import type { UserEvent } from '../../domain/events.ts'
import type { Details } from '../../domain/user.ts'
import type { Idempotency } from '../../ports/idempotency.ts'
import type { Actor, Clock, UserStore } from '../../ports.ts'

export type RegisterUser = {
  details: Details
  homeBranchId: string | null
  by: Actor
  idempotency: Idempotency | null
}
export type Deps = { users: Pick<UserStore, 'register'>; now: Clock }

export function registerUser({ users, now }: Deps) {
  return (command: RegisterUser) => {
    const at = now().toISOString()
    return users.register((userId) => decide(userId, command, at), command.by, command.idempotency)
  }
}

/** The home branch, if one is named, is assigned with it: a home branch is always one of the user's branches. */
export function decide(userId: number, { details, homeBranchId }: RegisterUser, at: string) {
  return { type: 'user-registered', userId, at, details, homeBranchId } satisfies UserEvent
}
