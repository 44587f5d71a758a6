import type { WriteObserver } from '../ports/metrics.ts'
import type { RoleStore, UserStore, Written } from '../ports.ts'

type Stores = { users: UserStore; roles: RoleStore }

/** The stores, with what was committed told. */
export function observedWrites({ users, roles }: Stores, { written }: WriteObserver): Stores {
  const told = async <Answer extends Written>(writing: Promise<Answer>): Promise<Answer> => {
    const answer = await writing
    written(answer.answer !== undefined, answer.visible)
    return answer
  }
  return {
    users: {
      update: (...given) => told(users.update(...given)),
      updateWithRoles: (...given) => told(users.updateWithRoles(...given)),
      register: (...given) => told(users.register(...given)),
    },
    roles: { update: (...given) => told(roles.update(...given)) },
  }
}
