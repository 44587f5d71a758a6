import { bulkLoad } from './adapters/sqlite/bulk-load.ts'
import { seedRoles } from './jobs/seed/roles.ts'
import { seedUsers } from './jobs/seed/users.ts'

export type MadeUpUsers = { path: string; users: number; seed: number; onProgress(done: number): void }

/** Makes a new embedded database. Synchronous: for the command line only. */
export function loadMadeUpUsers({ path, users, seed, onProgress }: MadeUpUsers): void {
  bulkLoad({ path, roles: seedRoles(), users: seedUsers({ count: users, seed }), onProgress })
}
