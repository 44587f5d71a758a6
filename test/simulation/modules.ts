import { rebuilder } from '../../src/jobs/rebuild/rebuild.ts'
import { incarnationGuard } from '../../src/projections/incarnation/guard.ts'
import { lists } from '../../src/projections/lists/lists.ts'
import { userLists } from '../../src/projections/lists/user-lists.ts'
import { nearCaches } from '../../src/projections/near/near-caches.ts'
import { nearReads } from '../../src/projections/near/near-reads.ts'
import { projector } from '../../src/projections/projector.ts'
import { readModels } from '../../src/projections/read-models.ts'
import { roleViews } from '../../src/projections/roles/store.ts'
import { schemaRegistry } from '../../src/projections/schemas/schemas.ts'
import { holders } from '../../src/projections/user/holders.ts'
import { userReadModel } from '../../src/projections/user/store.ts'
import { userViews } from '../../src/projections/user/views.ts'
import { versionFloor } from '../../src/projections/version-floor.ts'
import { visibleWrites } from '../../src/projections/visible-writes.ts'

/** What the simulated processes are made of: production code, unless a fault is planted in its place. */
export const PRODUCTION = {
  holders,
  incarnationGuard,
  lists,
  nearCaches,
  nearReads,
  projector,
  readModels,
  rebuilder,
  roleViews,
  schemaRegistry,
  userLists,
  userReadModel,
  userViews,
  versionFloor,
  visibleWrites,
}
export type Modules = typeof PRODUCTION
