import type { ReadModelRedis } from '../ports/redis.ts'
import type { ReadModels, Truth } from '../ports.ts'
import type { Keys } from './keys.ts'
import type { Projector } from './projector.ts'
import type { RoleViews } from './roles/store.ts'
import type { Schemas } from './schemas/schemas.ts'
import type { UserReadModel } from './user/store.ts'
import { formerHolders } from './username/former-holders.ts'

type Deps = {
  redis: Pick<ReadModelRedis, 'get' | 'publish'>
  keys: Keys
  truth: Pick<Truth, 'versions'>
  users: Pick<UserReadModel, 'fence'>
  roles: Pick<RoleViews, 'fence'>
  schemas: Pick<Schemas, 'others'>
  projector: Pick<Projector, 'projectUsers' | 'projectRoles'>
}

/** The read models, as a command sees to them. */
export function readModels(deps: Deps): ReadModels {
  const { redis, keys, users, roles, projector } = deps
  return {
    fenceUser: users.fence,
    fenceRoles: roles.fence,
    fenceFormerHolders: formerHolders(deps),
    projectUserNow: (userId) => projector.projectUsers([userId]),
    projectRolesNow: () => projector.projectRoles(),
    announce: () => void redis.publish(keys.changed, '').catch(() => undefined),
  }
}
