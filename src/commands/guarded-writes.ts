import { mayCause, mayChangeCatalogue, mayChangeUser, mayGrant } from '../domain/authority.ts'
import type { UserEvent } from '../domain/events.ts'
import type { RoleStore, UserStore } from '../ports.ts'

type Stores = { users: UserStore; roles: RoleStore }

/**
 * The stores, for callers whose writes may be limited: every command, also one that is yet to be written, is asked before it
 * looks at a user, and by what it would do. In the command's own transaction, on the rows that it is decided on.
 */
export function guardedWrites({ users, roles }: Stores): Stores {
  return {
    users: {
      update: (userId, context, decide) =>
        users.update(userId, context, (user) => {
          const { authority } = context.by
          mayChangeUser(authority, user)
          const events = decide(user)
          mayCause(authority, events)
          return events
        }),
      updateWithRoles: (userId, context, decide) =>
        users.updateWithRoles(userId, context, (user, catalogue, asking) => {
          const { authority } = context.by
          mayChangeUser(authority, user)
          const events = decide(user, catalogue, asking)
          mayCause(authority, events)
          mayGrant(authority, asking, catalogue, events.filter(isGrant))
          return events
        }),
      register: (registration, by, idempotency) =>
        users.register(
          (userId) => {
            const event = registration(userId)
            mayCause(by.authority, [event])
            return event
          },
          by,
          idempotency,
        ),
    },
    roles: {
      update: (role, context, decide) =>
        roles.update(role, context, (catalogue, holders) => {
          mayChangeCatalogue(context.by.authority)
          return decide(catalogue, holders)
        }),
    },
  }
}

function isGrant(event: UserEvent): event is Extract<UserEvent, { type: 'role-granted' }> {
  return event.type === 'role-granted'
}
